"""The registries' words for compatibility."""

from enum import StrEnum


class Direction(StrEnum):
    """Who stays as it is while the other side changes."""

    BACKWARD = "backward"
    """What others still send and hold is read by the new contracts: Tether may change first."""
    FORWARD = "forward"
    """What others will send is read by the old contracts: they may change first."""


class Mode(StrEnum):
    """What a change may not break. ``…_TRANSITIVE``: nor may all changes together since any earlier state."""

    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"
    NONE = "NONE"

    @property
    def transitive(self) -> bool:
        """Whether all earlier states count, and not only the last one."""
        return self.value.endswith("_TRANSITIVE")

    @property
    def directions(self) -> frozenset[Direction]:
        """In which directions a change counts."""
        match self.value.removesuffix("_TRANSITIVE"):
            case "BACKWARD":
                return frozenset({Direction.BACKWARD})
            case "FORWARD":
                return frozenset({Direction.FORWARD})
            case "FULL":
                return frozenset(Direction)
            case _:
                return frozenset()
