"""The channels service."""
