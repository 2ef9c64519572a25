"""Failures of an owner on request: slow, busy or no answers, dropped connections, repeated and reordered facts.

No fact is lost.
"""
