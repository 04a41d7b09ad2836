"""Sound: sources and analysis."""
