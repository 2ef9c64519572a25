"""The outcomes of the events of one request: counts, and by index what was not recorded and what is odd."""

from dataclasses import dataclass, field
from typing import Any, TypedDict

from errors import Forbidden, Refused
from facts.ingest import Batch
from messages.quarantine_reasons import NOT_KEPT
from store.write.recording import Recorded
from store.write.strict import StrictFlaw, StrictRefusal

WARNINGS = 100
"""Warnings that an answer lists, at most: a stream may give rise to one for every line."""


class FlawedItem(TypedDict):
    """An event that was not recorded: its index in the request, its id if known, and the reason."""

    index: int
    id: str | None
    reason: str


class WarningItem(TypedDict):
    """What is odd about an event that was recorded all the same."""

    index: int
    reason: str


@dataclass(slots=True)
class Receipt:
    """Adds up the outcomes of a request's batches. Each event is counted once: in a number or in a list."""

    recorded: bool = False
    """Whether any batch was recorded, even an empty one."""
    revision: int = 0
    accepted: int = 0
    stale: int = 0
    """Of the accepted ones: older than what was known."""
    duplicates: int = 0
    ignored: int = 0
    """Messages that give no fact."""
    conflicts: int = 0
    """Quarantined because another body is recorded under the same source and id."""
    quarantined: list[FlawedItem] = field(default_factory=list)
    rejected: list[FlawedItem] = field(default_factory=list)
    warnings: list[WarningItem] = field(default_factory=list)
    """The first ones."""
    warnings_count: int = 0
    refusal: Refused | None = None
    """Why a batch of a strict request was not recorded; ``errors`` names its bad events."""
    errors: list[FlawedItem] = field(default_factory=list)

    def add(self, batch: Batch, outcome: Recorded) -> tuple[int, int]:
        """Adds what the recorder returned for a batch; returns how many of its events are quarantined, and rejected."""
        before = len(self.quarantined), len(self.rejected)
        self.recorded = True
        self.revision = max(self.revision, outcome.revision)
        self.accepted += outcome.accepted
        self.stale += outcome.stale
        self.duplicates += outcome.duplicates
        self.ignored += len(batch.ignored)
        self.conflicts += len(outcome.conflicts)
        if batch.flawed or outcome.refused:
            missed = _not_kept(batch, outcome)
            found = sorted((*_flawed(batch, True), *_refused(batch, outcome.refused)), key=lambda item: item["index"])
            self.quarantined += [item for item in found if item["index"] not in missed]
            rejected = _flawed(batch, False)
            if missed:
                rejected += [item | {"reason": item["reason"] + NOT_KEPT} for item in found if item["index"] in missed]
                rejected.sort(key=lambda item: item["index"])
            self.rejected += rejected
        if batch.warnings or outcome.warnings:
            refused = {batch.entry_indexes[place] for place in outcome.refused}
            odd = [(one.index, one.reason) for one in batch.warnings if one.index not in refused]
            odd += [(batch.entry_indexes[place], reason) for place, reason in outcome.warnings.items()]
            room = max(0, WARNINGS - len(self.warnings))
            self.warnings += [{"index": n, "reason": _printable(reason)} for n, reason in sorted(odd)[:room]]
            self.warnings_count += len(odd)
        return len(self.quarantined) - before[0], len(self.rejected) - before[1]

    def refuse(self, batch: Batch, refusal: StrictRefusal | StrictFlaw | None = None) -> None:
        """Takes note that a batch is not recorded: it has flawed events, or the recorder refused it."""
        self.refusal = refusal or batch.flawed[0].error
        self.errors = _refused(batch, refusal.refused) if refusal else _flawed(batch)

    def fields(self) -> dict[str, Any]:
        """The fields of an answer, without its token."""
        return {
            "accepted": self.accepted,
            "stale": self.stale,
            "duplicates": self.duplicates,
            "ignored": self.ignored,
            "quarantined": self.quarantined,
            "rejected": self.rejected,
            "warnings": self.warnings,
            "warnings_count": self.warnings_count,
        }


def _flawed(batch: Batch, quarantined: bool | None = None) -> list[FlawedItem]:
    """The flawed events of a batch, in order; ``quarantined``: only those that are, or are not; None: all."""
    return [
        {"index": one.index, "id": None if one.id is None else _printable(one.id), "reason": _printable(one.reason)}
        for one in batch.flawed
        if quarantined is None or one.quarantined is quarantined
    ]


def _refused(batch: Batch, refused: dict[int, str]) -> list[FlawedItem]:
    """The entries of a batch that the recorder refused, in order; ``refused``: position of the entry → reason."""
    return [
        {"index": batch.entry_indexes[place], "id": _printable(batch.entries[place].id), "reason": reason}
        for place, reason in sorted(refused.items())
    ]


def _not_kept(batch: Batch, outcome: Recorded) -> set[int]:
    """The indexes of the events that would be in quarantine if that held less of their sender."""
    if not outcome.not_kept and not outcome.rejected_not_kept:
        return set()
    kept = [one for one in batch.flawed if not isinstance(one.error, Forbidden)]
    found = {kept[place].index for place in outcome.rejected_not_kept if kept[place].quarantined}
    return found | {batch.entry_indexes[place] for place in outcome.not_kept}


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
