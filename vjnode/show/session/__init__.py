"""Sessions: features and controls of a show in a file, from which it is drawn without sound."""
