"""How a generator runs: engines and sweeps."""
