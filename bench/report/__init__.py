"""Figures and budgets, the machine, sizes on disk, processor time, and the printed table."""
