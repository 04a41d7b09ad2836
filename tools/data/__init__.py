"""Sound and pictures that tests, benchmarks and training use."""
