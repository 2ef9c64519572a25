"""Typed clients of the owners."""
