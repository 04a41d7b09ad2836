"""From sound to one weight: the encoder, and everything that shapes what it says."""
