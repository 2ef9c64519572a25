"""Typed HTTP clients of the owners."""
