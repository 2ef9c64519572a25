"""What became of lines: of one batch, and added up over a file."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

SHOWN = 10  # of the quarantined and of the rejected, the first so many are kept to be shown


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A line that was kept apart by the server."""

    line: int
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that is no CloudEvent. ``raw`` is empty if it was too long to be read."""

    line: int
    field: str
    reason: str
    raw: bytes


@dataclass(slots=True)
class Outcome:
    """What the server said of one batch. Together, all lines of it."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: list[Quarantined] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    token: str = ""


@dataclass(slots=True)
class Tally:
    """What became of the first ``lines`` lines of a file, without a gap. No other number has blank lines."""

    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    rejected: int = 0
    first_quarantined: list[Quarantined] = field(default_factory=list)
    first_rejected: list[Rejected] = field(default_factory=list)
    token: str = ""

    @property
    def facts(self) -> int:
        """Lines that were not blank."""
        return self.accepted + self.duplicates + self.quarantined + self.rejected

    def add(self, outcome: Outcome, through: int) -> None:
        """Count the next batch, which ends at line ``through``."""
        self.lines = through
        self.accepted += outcome.accepted
        self.duplicates += outcome.duplicates
        self.quarantined += len(outcome.quarantined)
        self.rejected += len(outcome.rejected)
        self.first_quarantined += outcome.quarantined[: SHOWN - len(self.first_quarantined)]
        self.first_rejected += outcome.rejected[: SHOWN - len(self.first_rejected)]
        self.token = outcome.token or self.token

    def as_json(self) -> dict[str, Any]:
        """Plain values; raw lines are left out."""
        content = asdict(self)
        for rejected in content["first_rejected"]:
            del rejected["raw"]
        return content

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """What ``as_json`` gave. Anything else is a TypeError or KeyError."""
        quarantined = [Quarantined(**one) for one in content["first_quarantined"]]
        rejected = [Rejected(**one, raw=b"") for one in content["first_rejected"]]
        return cls(**{**content, "first_quarantined": quarantined, "first_rejected": rejected})
