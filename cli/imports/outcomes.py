"""Outcomes of lines: of one batch, and added up over a file."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

SHOWN = 10  # quarantined and rejected lines to show, each the first ones


@dataclass(frozen=True, slots=True)
class QuarantinedLine:
    """A line that the server quarantined."""

    line: int
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that is not a CloudEvent. ``raw`` is empty if the line was too long to read."""

    line: int
    field: str
    reason: str
    raw: bytes


@dataclass(slots=True)
class BatchOutcome:
    """The outcomes of all lines of one batch."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: list[QuarantinedLine] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)
    token: str = ""


@dataclass(slots=True)
class FileProgress:
    """Outcomes of the first ``lines`` lines of a file. Blank lines are counted in ``lines`` only."""

    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    rejected: int = 0
    first_quarantined: list[QuarantinedLine] = field(default_factory=list)
    first_rejected: list[RejectedLine] = field(default_factory=list)
    token: str = ""

    @property
    def facts(self) -> int:
        """Number of lines that were not blank."""
        return self.accepted + self.duplicates + self.quarantined + self.rejected

    def add(self, outcome: BatchOutcome, through: int) -> None:
        """Adds the outcome of the next batch, which ends at line ``through``."""
        self.lines = through
        self.accepted += outcome.accepted
        self.duplicates += outcome.duplicates
        self.quarantined += len(outcome.quarantined)
        self.rejected += len(outcome.rejected)
        self.first_quarantined += outcome.quarantined[: SHOWN - len(self.first_quarantined)]
        self.first_rejected += outcome.rejected[: SHOWN - len(self.first_rejected)]
        self.token = outcome.token or self.token

    def as_json(self) -> dict[str, Any]:
        """Returns plain values for JSON, without raw lines."""
        content = asdict(self)
        for rejected in content["first_rejected"]:
            del rejected["raw"]
        return content

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Reverses ``as_json``. Raises TypeError or KeyError for anything else."""
        quarantined = [QuarantinedLine(**one) for one in content["first_quarantined"]]
        rejected = [RejectedLine(**one, raw=b"") for one in content["first_rejected"]]
        return cls(**{**content, "first_quarantined": quarantined, "first_rejected": rejected})
