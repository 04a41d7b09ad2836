"""Checks of outputs, recordings, and of a show on Windows."""
