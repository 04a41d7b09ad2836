"""What the node hears: sources of sound and its analysis."""
