"""Offline programs: training, benchmarks, checks; run as ``python -m tools.FOLDER.NAME``."""
