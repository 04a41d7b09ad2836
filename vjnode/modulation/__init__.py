"""Modulation: from sound to one weight, by the encoder and everything that shapes its output."""
