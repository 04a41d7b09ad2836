"""Families of generators: from a latent to a picture."""
