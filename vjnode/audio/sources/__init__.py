"""Sources of sound: a device, a file, a test tone; all deliver the same kind of blocks."""
