"""Finding movements of a generated face: what is measured, what is wanted, and how it is found."""
