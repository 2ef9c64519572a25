"""Operations: links, moves, deletions with their cascades, plans, and the children they concern."""
