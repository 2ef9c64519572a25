"""The rows of the table: one per file, each exported as ``ROW``."""
