"""Sound and pictures for tests, benchmarks and training."""
