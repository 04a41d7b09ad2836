"""Tools that find faces and expressions."""
