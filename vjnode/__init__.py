"""vjnode: live sound drives the expression of a generated face."""

__version__ = "0.1.0"
