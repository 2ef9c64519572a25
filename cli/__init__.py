"""The command line: one module per noun, assembled by ``cli/main.py``."""
