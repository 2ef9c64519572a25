"""Reads, each as of one revision."""
