"""Errors of measurements."""

from errors import TetherError


class InvalidMeasurement(TetherError):
    """The measurement is not valid: a fact was refused, or a process died."""
