"""Figures: what is compared with what, the machine, sizes, processor time, and the printed table."""
