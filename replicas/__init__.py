"""Declared replicas: which fields of which entities other services copy, one file each."""
