"""The preview page in a browser."""
