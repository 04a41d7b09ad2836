"""Recording to a film with its sound."""
