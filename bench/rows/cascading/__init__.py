"""The two parts of the row ``cascade``."""
