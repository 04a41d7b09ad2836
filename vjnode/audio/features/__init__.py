"""Audio features: level, gain, onsets, bands, MFCCs."""
