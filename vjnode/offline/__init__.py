"""Rendering and analysing a song, faster or slower than it plays."""
