"""Rendering: from a moment of the music to a frame."""
