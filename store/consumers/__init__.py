"""Consumers: who follows the feed by name, how far each has acknowledged it, and who waits for that."""
