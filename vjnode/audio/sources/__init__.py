"""Sources of sound: a device, a file, a test tone; all give blocks of the same kind."""
