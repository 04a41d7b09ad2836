"""Mattes of looks: which part of their pictures is the head."""
