"""What must stay consistent: the vocabulary of relationships, and one file per relationship."""
