"""What can go wrong while measuring."""

from errors import TetherError


class Spoilt(TetherError):
    """What was measured is not what should have been: a fact was refused, a process died."""
