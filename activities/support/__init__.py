"""Parts that several activities share."""
