"""Outputs of frames, one module or package each, and the frame clock."""
