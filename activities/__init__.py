"""The side effects of workflows: one class per file, same names as in ``workflows/``."""
