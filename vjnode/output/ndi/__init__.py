"""NDI: the sender, and the ports that it listens on."""
