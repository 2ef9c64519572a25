"""Outcomes of lines: of one batch, and added up over a file."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

SHOWN = 10  # quarantined, rejected and odd lines to show, each the first ones


@dataclass(frozen=True, slots=True)
class QuarantinedLine:
    """A line that the server quarantined."""

    line: int
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that is no CloudEvent, or a fact that the API key may not publish.

    ``id`` is empty if it could not be read, ``raw`` if the line was too long to read.
    """

    line: int
    id: str
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class OddLine:
    """A line that the server recorded with a warning."""

    line: int
    reason: str


@dataclass(slots=True)
class BatchOutcome:
    """The outcomes of all lines of one batch."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: list[QuarantinedLine] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)
    warnings: int = 0
    first_warnings: list[OddLine] = field(default_factory=list)
    token: str = ""


@dataclass(slots=True)
class FileProgress:
    """Outcomes of the first ``lines`` lines of a file. Blank lines are counted in ``lines`` only."""

    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    rejected: int = 0
    warnings: int = 0
    first_quarantined: list[QuarantinedLine] = field(default_factory=list)
    first_rejected: list[RejectedLine] = field(default_factory=list)
    first_warnings: list[OddLine] = field(default_factory=list)
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
        self.warnings += outcome.warnings
        self.first_quarantined += outcome.quarantined[: SHOWN - len(self.first_quarantined)]
        self.first_rejected += outcome.rejected[: SHOWN - len(self.first_rejected)]
        self.first_warnings += outcome.first_warnings[: SHOWN - len(self.first_warnings)]
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
        warnings = [OddLine(**one) for one in content["first_warnings"]]
        firsts = {"first_quarantined": quarantined, "first_rejected": rejected, "first_warnings": warnings}
        return cls(**{**content, **firsts})
