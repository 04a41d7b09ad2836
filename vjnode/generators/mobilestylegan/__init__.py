"""MobileStyleGAN, which draws unless another is asked for."""
