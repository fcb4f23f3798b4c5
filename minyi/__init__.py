"""minyi (民意): settings, command line and the process manager."""

__version__ = "0.1.0"
