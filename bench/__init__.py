"""Measures Tether against its budgets. Each row is compared with a limit that is measured in the same run."""
