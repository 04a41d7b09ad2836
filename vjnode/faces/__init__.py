"""Faces and expressions: latents, directions, and what measures a drawn face."""
