"""The parts of the row ``cascade``."""
