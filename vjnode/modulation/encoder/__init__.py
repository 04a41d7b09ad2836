"""The convolutional encoder: MFCCs in, 512 values and so one weight out."""
