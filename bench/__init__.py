"""Measures Tether against its budgets: each row against a named limit, in the same run, on the same machine."""
