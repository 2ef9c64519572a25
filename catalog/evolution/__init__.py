"""How contracts change: documents of them, what differs between two, whom that breaks, and what is bad style."""
