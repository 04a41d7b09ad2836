"""What is measured in sound: level, gain, onsets, bands, MFCCs."""
