"""The one way in: JSON → envelope → validated entry for the ledger, or an outcome that says why there is none.

Both sources of facts use it: HTTP (``api/routes/events.py``) and Temporal signals
(``activities/signal_intake.py``) fill a batch and hand it to the recorder
(``store/write/recorder.py``).
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from catalog import limits
from errors import Forbidden, Malformed, Unacceptable
from facts.data_schema import other_schema
from facts.envelope import Entry, Envelope, read
from facts.event_data import read_data
from facts.json_text import dump_json, parse_json
from facts.misspellings import misspelt_attributes
from facts.order_key import doubtful_sequence

_REASON = 500
"""Characters of a reason, at most: it may quote what was sent."""


class FactValidator(Protocol):
    """Makes entries of events: `Validator`, or that of an import. ``mapped``: the types of messages, each of which
    gives any number of entries."""

    @property
    def mapped(self) -> Collection[str]: ...
    def validate(self, envelope: Envelope) -> Entry: ...
    def validate_message(self, envelope: Envelope) -> list[Entry]: ...
    def misspelt(self, entry: Entry) -> Iterable[str]: ...


Authorize = Callable[[Envelope], None]
"""Raises Forbidden if the sender may not publish this fact."""


class Rejection(NamedTuple):
    """An event for the quarantine. Unknown attributes are None, those that are too long are cut.

    ``raw`` holds the event as JSON, as it was received. ``code`` and ``field``: as of Unacceptable.
    """

    source: str | None
    id: str | None
    type: str | None
    reason: str
    raw: bytes
    code: str = "other"
    field: str = ""


@dataclass(frozen=True, slots=True)
class FlawedEvent:
    """An event of a batch that is not recorded. ``id``: None if it could not be read.

    ``error``: Unacceptable for a fact that breaks its contract, Malformed for what is no CloudEvent, Forbidden for a
    fact that the sender may not publish.
    """

    index: int
    id: str | None
    error: Malformed | Forbidden | Unacceptable

    @property
    def reason(self) -> str:
        """Why it is not recorded, without its index."""
        return _reason(self.error)

    @property
    def quarantined(self) -> bool:
        """Whether it may be recorded later as it is, from the quarantine."""
        return isinstance(self.error, Unacceptable)


@dataclass(frozen=True, slots=True)
class EventWarning:
    """What is odd about an event that is recorded all the same."""

    index: int
    reason: str


@dataclass(slots=True)
class Batch:
    """The events of one request, stream chunk or report of signals, in order.

    Every event gets the next index, and has one outcome: an entry or a flaw. A message of another system has as many
    entries as its mapping gives, or is ignored. ``entry_indexes`` runs parallel to ``entries``.
    """

    validator: FactValidator
    authorize: Authorize | None = None
    """None: the sender may publish everything."""
    keep: int | None = None
    """Bytes of a rejected event to keep; None: all. An event may be rejected for its size."""
    alone: bool = False
    """Whether the request is one event: then Malformed and Forbidden are raised, and refuse the request."""
    next_index: int = 0
    entries: list[Entry] = field(default_factory=list)
    entry_indexes: list[int] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    """For the quarantine: every flawed event, except those that the sender may not publish."""
    flawed: list[FlawedEvent] = field(default_factory=list)
    warnings: list[EventWarning] = field(default_factory=list)
    ignored: list[int] = field(default_factory=list)
    """The indexes of messages that give no fact, by their mapping."""

    def add_json(self, raw: bytes, *, signal: str | None = None) -> Entry | None:
        """Adds one event as JSON. Parameters, result and errors as for ``add``."""
        try:
            event, flaw = parse_json(raw)
        except (Malformed, Unacceptable) as error:
            self._add_flawed(error, raw, type=signal)
            return None
        return self.add(event, raw=raw, flaw=flaw, signal=signal)

    def add(self, event: Any, *, raw: bytes | None = None, flaw: str = "", signal: str | None = None) -> Entry | None:
        """Adds one parsed event; returns its entry, the first of several, or None if it is flawed or ignored.

        ``raw`` is the event as received, if it is at hand; ``flaw``, if not empty, is a reason already known for
        rejecting it; ``signal`` is the fact's name as the Temporal signal gave it, which must agree with its type.
        Raises Malformed and Forbidden if the request is one event.
        """
        try:
            envelope = read(event)
            if self.authorize is not None:
                self.authorize(envelope)
            if flaw:
                raise Unacceptable(flaw, "ambiguous_json")
            if "datacontenttype" in event or "data_base64" in event:
                envelope = envelope._replace(data=read_data(event))
            if envelope.type in self.validator.mapped:
                return self._add_message(envelope)
            entry = self.validator.validate(envelope)
            if signal is not None and entry.name != signal:
                raise Unacceptable(f"the signal {signal} carries a {entry.name}", "signal_refused", "type")
        except (Malformed, Forbidden, Unacceptable) as error:
            source, id, type = (_text(event, name) for name in ("source", "id", "type"))
            self._add_flawed(error, dump_json(event) if raw is None else raw, source, id, type or signal)
            return None
        for reason in self.validator.misspelt(entry):
            self.warn(reason)
        for reason in _odd_attributes(event, entry, envelope.extensions) if envelope.extensions else ():
            self.warn(reason)
        if (sequence := entry.sequence) is not None and (doubt := doubtful_sequence(sequence)):
            self.warn(f"sequence: {sequence[:40]!r} {doubt}")
        self.entries.append(entry)
        self.entry_indexes.append(self.next_index)
        self.next_index += 1
        return entry

    def _add_message(self, envelope: Envelope) -> Entry | None:
        entries = self.validator.validate_message(envelope)
        if not entries:
            self.ignored.append(self.next_index)
        self.entries += entries
        self.entry_indexes += [self.next_index] * len(entries)
        self.next_index += 1
        return entries[0] if entries else None

    def add_derived(self, entry: Entry) -> None:
        """Adds a fact of Tether's own that follows from the event added last and shares its index."""
        self.entries.append(entry)
        self.entry_indexes.append(self.next_index - 1)

    def warn(self, reason: str) -> None:
        """Says something about the event that is being added; it has no effect on what is recorded."""
        self.warnings.append(EventWarning(self.next_index, reason[:_REASON]))

    def reject(self, reason: str, raw: bytes, code: str, *, type: str | None = None) -> None:
        """Adds an event to the quarantine that is not read, with its type if it is known."""
        self._add_flawed(Unacceptable(reason, code), raw, type=type)

    def _add_flawed(
        self,
        error: Malformed | Forbidden | Unacceptable,
        raw: bytes,
        source: str | None = None,
        id: str | None = None,
        type: str | None = None,
    ) -> None:
        if self.alone and not isinstance(error, Unacceptable):
            raise error
        source, id, type = (text and text[: limits.ID] for text in (source, id, type))
        self.flawed.append(FlawedEvent(self.next_index, id, error))
        if not isinstance(error, Forbidden):  # another owner's quarantine is not the sender's to fill
            code = "malformed" if isinstance(error, Malformed) else error.code
            self.rejections.append(Rejection(source, id, type, _reason(error), raw[: self.keep], code, error.field))
        self.next_index += 1


def _odd_attributes(event: Any, entry: Entry, extensions: dict[str, Any]) -> Iterator[str]:
    yield from misspelt_attributes(event, extensions)
    yield from other_schema(entry.type, extensions)


def _reason(error: Malformed | Forbidden | Unacceptable) -> str:
    return str(error)[:_REASON]


def _text(event: Any, name: str) -> str | None:
    value = event.get(name) if type(event) is dict else None
    return value if type(value) is str else None
