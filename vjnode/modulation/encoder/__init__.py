"""The convolutional encoder: MFCCs in; out come 512 values, whose mean gives the weight."""
