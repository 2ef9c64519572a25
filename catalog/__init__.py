"""The vocabulary of declarations, and the catalog of everything that is declared."""
