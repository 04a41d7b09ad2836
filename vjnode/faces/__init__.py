"""Faces and expressions: latents, directions, and measures of a drawn face."""
