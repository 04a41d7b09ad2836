"""Reading of checkpoints from elsewhere, of which nothing is run."""
