"""MobileStyleGAN, the default generator."""
