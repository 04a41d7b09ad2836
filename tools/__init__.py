"""What is run offline: training, benchmarks, checks; ``python -m tools.FOLDER.NAME``."""
