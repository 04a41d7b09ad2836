"""A window, such as for a projector."""
