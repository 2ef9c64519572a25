"""What became of the facts of one request: counts, and what was quarantined by index."""

from dataclasses import dataclass, field
from typing import Any, TypedDict

from facts.ingest import Batch
from store.write.recorder import Recorded


class QuarantinedItem(TypedDict):
    """An event that was quarantined: its index in the request, its id if known, and the reason."""

    index: int
    id: str | None
    reason: str


@dataclass(slots=True)
class Receipt:
    """Adds up the outcomes of a request's batches."""

    recorded: bool = False
    """Whether any batch was recorded, even an empty one."""
    revision: int = 0
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    """Quarantined because another body is recorded under the same source and id."""
    quarantined: list[QuarantinedItem] = field(default_factory=list)

    def add(self, batch: Batch, outcome: Recorded) -> None:
        """Adds what the recorder returned for a batch."""
        self.recorded = True
        self.revision = max(self.revision, outcome.revision)
        self.accepted += outcome.accepted
        self.duplicates += outcome.duplicates
        self.conflicts += len(outcome.conflicts)
        refused: list[QuarantinedItem] = [
            {"index": batch.entry_indexes[place], "id": _printable(batch.entries[place].id), "reason": reason}
            for place, reason in outcome.refused.items()
        ]
        self.quarantined += sorted(rejected(batch) + refused, key=lambda item: item["index"])

    def counts(self) -> dict[str, Any]:
        """The fields ``accepted``, ``duplicates`` and ``quarantined`` of an answer."""
        return {"accepted": self.accepted, "duplicates": self.duplicates, "quarantined": self.quarantined}


def rejected(batch: Batch) -> list[QuarantinedItem]:
    """The rejections of a batch, in order."""
    return [
        {"index": index, "id": _printable(one.id), "reason": str(_printable(one.reason))}
        for index, one in zip(batch.rejection_indexes, batch.rejections, strict=True)
    ]


def _printable(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()
