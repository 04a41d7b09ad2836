"""What the sound means: the encoder, its weight and the envelope."""
