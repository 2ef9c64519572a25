"""Outcomes of rows of a file of merges: of one batch, and added up over the file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from cli.imports.outcomes import SHOWN
from cli.merge_files.rows import FileRow

MergeRowOutcome = Literal["merged", "already_merged", "refused"]


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """A row with its outcome. ``because``: the kind of reason why it is refused; ``path``: of a forbidden pair."""

    row: FileRow
    outcome: MergeRowOutcome
    because: str = ""
    reason: str = ""
    path: list[str] | None = None

    def as_json(self) -> dict[str, Any]:
        """What a report says of it."""
        row = self.row
        found = {"line": row.line, "kind": row.kind, "survivor": row.survivor, "losers": row.losers}
        refused = {"because": self.because, "reason": self.reason} if self.outcome == "refused" else {}
        path = {} if self.path is None else {"path": self.path}
        return {**found, "outcome": self.outcome, **refused, **path}


@dataclass(slots=True)
class RowOutcomes:
    """The outcomes of the rows of one batch, in the order of the file. ``operations``: that carry its merges out."""

    rows: list[ReportedRow] = field(default_factory=list)
    token: str = ""
    operations: list[str] = field(default_factory=list)


@dataclass(slots=True)
class MergeProgress:
    """Outcomes of the first ``lines`` lines of a file. ``reported``: bytes of the report file about them.

    ``operations``: ids of those that count what is conserved, and let the owner retire losers; one for each batch.
    """

    lines: int = 0
    merged: int = 0
    already_merged: int = 0
    refused: int = 0
    first_refused: list[dict[str, Any]] = field(default_factory=list)
    token: str = ""
    operations: list[str] = field(default_factory=list)
    reported: int = 0

    @property
    def rows(self) -> int:
        """Number of rows with an outcome."""
        return self.merged + self.already_merged + self.refused

    def add(self, outcome: RowOutcomes, through: int) -> None:
        """Adds the outcome of the next batch, which ends at line ``through``."""
        self.lines = through
        for one in outcome.rows:
            setattr(self, one.outcome, getattr(self, one.outcome) + 1)
            if one.outcome == "refused" and len(self.first_refused) < SHOWN:
                self.first_refused.append(one.as_json())
        self.token = outcome.token or self.token
        self.operations += outcome.operations

    def as_json(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Reverses ``as_json``. Raises TypeError for anything else."""
        return cls(**content)
