"""Rendering and analysis of a song, faster or slower than real time."""
