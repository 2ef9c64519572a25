"""What declarations are made of, and the catalog of all declarations."""
