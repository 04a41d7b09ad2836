"""Tempo and beat: from novelty to a clock that runs on between beats."""
