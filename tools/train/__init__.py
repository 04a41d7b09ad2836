"""Training: the sound encoder, the distilled networks, and what they are quantised with."""
