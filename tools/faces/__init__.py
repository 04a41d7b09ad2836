"""Finding faces and expressions."""
