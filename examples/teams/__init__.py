"""The teams service."""
