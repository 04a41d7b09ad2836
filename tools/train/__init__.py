"""Training of the sound encoder and the distilled networks, and ranges for quantisation."""
