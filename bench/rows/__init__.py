"""What is measured: one row of the table of budgets, or one theme, per file. Each exports ``ROW``."""
