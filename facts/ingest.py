"""The one way in: JSON → envelope → validated entry for the ledger, or rejection for the quarantine.

Both sources of facts use it: HTTP (``api/routes/events.py``) and Temporal signals
(``activities/signal_intake.py``) fill a batch and hand it to the recorder
(``store/write/recorder.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from catalog import limits
from errors import Unacceptable
from facts.envelope import Entry, Envelope, read
from facts.event_data import read_data
from facts.json_text import dump_json, parse_json
from facts.validation import Validator

_REASON = 500
"""Characters of a reason, at most: it may quote what was sent."""

Authorize = Callable[[Envelope, int | None], None]
"""Raises Forbidden if the sender may not publish this fact; takes the envelope and its index for the message."""


class Rejection(NamedTuple):
    """A fact for the quarantine. Unknown attributes are None, those that are too long are cut; ``raw`` holds the event
    as JSON, as it was received."""

    source: str | None
    id: str | None
    type: str | None
    reason: str
    raw: bytes


@dataclass(slots=True)
class Batch:
    """The facts of one request, stream chunk or report of signals, in order.

    Every event gets the next index. ``entry_indexes`` and ``rejection_indexes`` run parallel to ``entries`` and
    ``rejections``.
    """

    validator: Validator
    authorize: Authorize | None = None
    """None: the sender may publish everything."""
    keep: int | None = None
    """Bytes of a rejected event to keep; None: all. An event may be rejected for its size."""
    numbered: bool = False
    """Whether errors name the event's index: useful only where there is more than one event."""
    next_index: int = 0
    entries: list[Entry] = field(default_factory=list)
    entry_indexes: list[int] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    rejection_indexes: list[int] = field(default_factory=list)

    def add_json(self, raw: bytes, *, signal: str | None = None) -> Entry | None:
        """Adds one event as JSON. Parameters, result and errors as for ``add``."""
        try:
            event, flaw = parse_json(raw, self._index)
        except Unacceptable as error:
            self.reject(error.reason, raw, type=signal)
            return None
        return self.add(event, raw=raw, flaw=flaw, signal=signal)

    def add(self, event: Any, *, raw: bytes | None = None, flaw: str = "", signal: str | None = None) -> Entry | None:
        """Adds one parsed event; returns its entry, or None if it breaks its contract and was rejected.

        ``raw`` is the event as received, if it is at hand; ``flaw``, if not empty, is a reason already known for
        rejecting it; ``signal`` is the fact's name as the Temporal signal gave it, which must agree with its type.
        Raises Malformed for an envelope that is no CloudEvent, and Forbidden.
        """
        envelope = read(event, self._index)
        if self.authorize is not None:
            self.authorize(envelope, self._index)
        try:
            if flaw:
                raise Unacceptable(flaw)
            if "datacontenttype" in event or "data_base64" in event:
                envelope = envelope._replace(data=read_data(event))
            entry = self.validator.validate(envelope)
            if signal is not None and entry.name != signal:
                raise Unacceptable(f"the signal {signal} carries a {entry.name}")
        except Unacceptable as error:
            raw = dump_json(event) if raw is None else raw
            self.reject(error.reason, raw, source=envelope.source, id=envelope.id, type=envelope.type)
            return None
        self.entries.append(entry)
        self.entry_indexes.append(self.next_index)
        self.next_index += 1
        return entry

    def add_derived(self, entry: Entry) -> None:
        """Adds a fact of Tether's own that follows from the event added last and shares its index."""
        self.entries.append(entry)
        self.entry_indexes.append(self.next_index - 1)

    def reject(
        self, reason: str, raw: bytes, *, source: str | None = None, id: str | None = None, type: str | None = None
    ) -> None:
        """Adds an event to quarantine, with its source, id and type as far as they are known."""
        source, id, type = (text and text[: limits.ID] for text in (source, id, type))
        self.rejections.append(Rejection(source, id, type, reason[:_REASON], raw[: self.keep]))
        self.rejection_indexes.append(self.next_index)
        self.next_index += 1

    @property
    def _index(self) -> int | None:
        return self.next_index if self.numbered else None
