"""From what a request holds to what the recorder takes: entries, and facts to be quarantined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from api.http import cloudevents
from errors import Forbidden, Unacceptable
from facts.envelope import Entry, Envelope, read
from facts.validation import Admission
from store.db.credentials import Principal
from store.write.quarantine import Rejected, dumps
from store.write.recorder import CONFLICT, Recorded

_REASON = 500
"""Characters of a reason, at most: it may quote what was sent."""


@dataclass(slots=True)
class Intake:
    """One request's facts, or one chunk's. ``places``: the place in the request of each entry."""

    admission: Admission
    who: Principal
    keep: int
    """Bytes of a fact that are kept aside, at most: one may be refused for its size."""
    seen: int = 0
    entries: list[Entry] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)

    def next(self) -> Intake:
        """An empty one that goes on counting where this one ends."""
        return Intake(self.admission, self.who, self.keep, self.seen)

    def raw(self, raw: bytes, index: int | None) -> None:
        """Takes an event as JSON text. Raises Malformed, Forbidden."""
        try:
            event, flaw = cloudevents.parse(raw, index)
        except Unacceptable as refusal:
            self._reject(None, refusal.reason, raw)
        else:
            self.event(event, index, raw, flaw)

    def event(self, event: Any, index: int | None, raw: bytes | None = None, flaw: str = "") -> None:
        """Takes an event. ``raw``: as it came; ``flaw``: why it cannot be kept, if that is known already.

        Raises Malformed, Forbidden; a fact that breaks its contract is put aside.
        """
        envelope = read(event, index)
        who = self.who
        if who.scope != "admin":
            self._check_owner(envelope, "" if index is None else f"event {index}: ")
        try:
            if flaw:
                raise Unacceptable(flaw)
            self.entries.append(self.admission.admit(envelope))
        except Unacceptable as refusal:
            self._reject(envelope, refusal.reason, dumps(event) if raw is None else raw)
        else:
            self.places.append(self.seen)
            self.seen += 1

    def _check_owner(self, envelope: Envelope, place: str) -> None:
        """Raises Forbidden for another owner's fact, and for a source that is not the owner's own."""
        who = self.who
        if not who.may_publish(self.admission.owner(envelope.type)):
            raise Forbidden(f"{place}the key {who.name!r} ({who.scope}) may not tell {envelope.type}")
        owner = who.scope.removeprefix("publish:")
        if not self.admission.is_source_of(owner, envelope.source):
            raise Forbidden(
                f"{place}the key {who.name!r} ({who.scope}) may not tell facts of the source {envelope.source}; "
                f"use /{owner}, or declare Owner({owner!r}, sources=…)"
            )

    def _reject(self, envelope: Envelope | None, reason: str, raw: bytes) -> None:
        source, id, type = (None, None, None) if envelope is None else envelope[:3]
        reason = reason[:_REASON]
        self.rejected.append(Rejected(source, id, type, reason, raw[: self.keep]))
        self.refusals.append({"index": self.seen, "id": _plain(id), "reason": _plain(reason)})
        self.seen += 1


@dataclass(slots=True)
class Tally:
    """What became of a request so far."""

    revision: int = 0
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    answered: bool = False
    quarantined: list[dict[str, Any]] = field(default_factory=list)

    def add(self, intake: Intake, answer: Recorded) -> None:
        """Counts what the recorder answered for an intake."""
        self.answered = True
        self.revision = max(self.revision, answer.revision)
        self.accepted += answer.accepted
        self.duplicates += answer.duplicates
        self.conflicts += sum(reason == CONFLICT for reason in answer.refused.values())
        refused = [
            {"index": intake.places[place], "id": _plain(intake.entries[place].id), "reason": reason}
            for place, reason in answer.refused.items()
        ]
        self.quarantined += sorted(intake.refusals + refused, key=lambda item: item["index"])

    def counts(self) -> dict[str, Any]:
        """For an answer."""
        return {"accepted": self.accepted, "duplicates": self.duplicates, "quarantined": self.quarantined}


def _plain(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()
