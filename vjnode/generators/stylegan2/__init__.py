"""StyleGAN2, with or without trained weights."""
