"""The command line, one module per noun. ``cli/main.py`` puts them together."""
