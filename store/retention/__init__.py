"""Trims what is older than the configured times."""
