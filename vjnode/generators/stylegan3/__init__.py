"""StyleGAN3, whose pictures move without sticking to the pixels."""
