"""The relationships that Tether keeps: one file per relationship, named after it."""
