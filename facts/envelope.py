"""The envelope of a fact (CloudEvents 1.0), and the ledger entry that a validated fact becomes.

Named tuples of plain values: an import validates tens of thousands per second.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from catalog.vocabulary import Effect
from errors import Malformed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FINER = re.compile(r"\.\d{6}(\d{1,3})", re.ASCII)
"""The digits of a fraction of a second after the sixth."""
_KNOWN = {
    "specversion", "id", "source", "type", "subject", "time", "sequence", "data", "data_base64", "datacontenttype",
}  # fmt: skip
_TRACED = ("correlationid", "causationid", "traceparent")
_CALENDAR = (datetime.min.replace(tzinfo=UTC) - _EPOCH, datetime.max.replace(tzinfo=UTC) - _EPOCH)
"""The years 1 to 9999 in UTC, relative to 1970."""
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
"""The one form of the many in ISO 8601, all of which ``datetime.fromisoformat`` reads."""
_QUOTED = 100
"""Characters of an attribute's name in an error."""
_ATTRIBUTES = 64

Stored = TypeVar("Stored", datetime, datetime | None)


class Envelope(NamedTuple):
    """A valid CloudEvents envelope. ``time``: nanoseconds since 1970."""

    source: str
    id: str
    type: str
    subject: str | None
    sequence: str | None
    time: int | None
    data: Any
    correlation: str | None
    causation: str | None
    traceparent: str | None
    extensions: dict[str, Any] | None


class Reference(NamedTuple):
    """A reference that is in no field: of the child of a relationship to a parent, or to None for "no longer".

    ``parent_created``: the order key of the creation of the parent that the child was requested for; None: it belongs
    to any incarnation of the parent.
    """

    relationship: str
    parent: str | None
    parent_created: bytes | None = None


class ElementChange(NamedTuple):
    """That a fact adds an element to the list of its entity, in a many-to-many relationship, or removes it."""

    relationship: str
    element: str
    added: bool


class Entry(NamedTuple):
    """A validated fact, as the ledger stores it. ``effect`` is None for Tether's own facts.

    ``time`` in nanoseconds since 1970; ``body`` is the data as JSON, as they were published; ``data`` are those of the
    newest version, which state follows from (see facts.reading); ``digest`` stands for type, subject, sequence
    and data; ``order`` is the order key, without the arrival until the fact is settled. ``names`` are references that
    are in no field: relationship → parent, or None for "no longer". ``published``: as JSON, what was published where
    the ledger holds something else: the subject, or the message that the fact was in. ``part``: which fact of that
    message it is; the source of others than the first ends with ``#2``, ``#3``, …. ``elements``: what it changes in
    lists.
    """

    source: str
    id: str
    type: str
    name: str
    kind: str
    key: str
    effect: Effect | None
    sequence: str | None
    time: int | None
    data: dict[str, Any]
    body: str
    correlation: str | None
    causation: str | None
    traceparent: str | None
    extensions: str | None
    order: bytes
    digest: bytes
    names: tuple[Reference, ...] = ()
    published: str | None = None
    part: int = 1
    elements: tuple[ElementChange, ...] = ()

    def with_order(self, order: bytes) -> "Entry":
        """The same fact with another order key. Every fact that is settled gets one: `_replace`, which looks up the
        name of each field, takes several times as long."""
        return Entry._make((*self[:_ORDER], order, *self[_ORDER + 1 :]))


_ORDER = Entry._fields.index("order")


def read(event: Any) -> Envelope:
    """Checks an event's envelope. Raises Malformed.

    The size of its attributes is left to the validator: an attribute that is too long harms this event only.
    """
    if type(event) is not dict:
        raise Malformed("event", "is no JSON object")
    if event.get("specversion") != "1.0":
        raise Malformed("specversion", 'must be "1.0"')
    for name in ("id", "source", "type"):
        value = event.get(name)
        if type(value) is not str or not value:
            raise Malformed(name, "is missing" if value is None else "must be a text that is not empty")
    subject = _text(event, "subject")
    sequence = event.get("sequence")
    if type(sequence) is int:
        sequence = str(sequence)
    elif sequence is not None:
        sequence = _text(event, "sequence")
    correlation = causation = traceparent = extensions = None
    if not event.keys() <= _KNOWN:
        correlation, causation, traceparent = (_text(event, name) for name in _TRACED)
        extensions = _extensions(event)
    return Envelope(
        event["source"],
        event["id"],
        event["type"],
        subject,
        sequence,
        nanoseconds(event.get("time")),
        event.get("data"),
        correlation,
        causation,
        traceparent,
        extensions,
    )


def _extensions(event: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the extension attributes, which CloudEvents allows to be plain values only; None if there are none."""
    if len(event) > _ATTRIBUTES:
        raise Malformed("event", f"has more than {_ATTRIBUTES} attributes")
    extensions = {k: v for k, v in event.items() if k not in _KNOWN and k not in _TRACED and v is not None}
    for name, value in extensions.items():
        if type(value) in (dict, list):
            raise Malformed(name[:_QUOTED], "must be a text, a number or a boolean: data goes into `data`")
    return extensions or None


def _text(event: dict[str, Any], name: str) -> str | None:
    value = event.get(name)
    if value is None:
        return None
    if type(value) is not str or not value:
        raise Malformed(name, "must be a text that is not empty")
    return value


def nanoseconds(time: Any) -> int | None:
    """An RFC 3339 time as nanoseconds since 1970; finer digits are cut. Raises Malformed."""
    if time is None:
        return None
    try:
        # The most frequent form, 2026-01-31T12:00:00Z, is recognized by every third character: in a tenth of the time.
        short = len(time) == 20 and time[4::3] == "--T::Z" and time[11:13] != "24"
        if not short and not _RFC_3339.fullmatch(time):
            raise ValueError
        if time[-1] == "z":
            time = time.upper()
        leap = time[17:19] == "60"
        moment = datetime.fromisoformat(time[:17] + "59" + time[19:] if leap else time)
        since = moment - _EPOCH + timedelta(seconds=leap)
    except (TypeError, ValueError, OverflowError):
        raise Malformed("time", "is no RFC 3339 time such as 2026-01-31T12:00:00Z") from None
    if not _CALENDAR[0] <= since <= _CALENDAR[1]:
        raise Malformed("time", "is not in the years 1 to 9999 of UTC, which can be stored")
    whole = since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds
    finer = _FINER.match(time, 19) if len(time) > 27 else None
    return whole * 1_000 + (int(finer[1].ljust(3, "0")) if finer else 0)


def moment(time: int | None) -> datetime | None:
    """The reverse of ``nanoseconds``, to the microsecond."""
    return None if time is None else _EPOCH + timedelta(microseconds=time // 1_000)


def finer_nanoseconds(time: int | None) -> int:
    """The nanoseconds of a time after its last whole microsecond, which `moment` cuts: 0 to 999."""
    return 0 if time is None else time % 1_000


def nanoseconds_of(moment: datetime | None, finer: int) -> int | None:
    """The time that `moment` and `finer_nanoseconds` were taken from, also as read from PostgreSQL (see `in_utc`)."""
    return None if moment is None else (in_utc(moment) - _EPOCH) // _MICROSECOND * 1_000 + finer


def rfc_3339(time: int) -> str:
    """A time in nanoseconds since 1970 as text: with as many digits of a second as it has, 0, 6 or 9."""
    whole = _EPOCH + timedelta(microseconds=time // 1_000)
    text, finer = whole.isoformat().removesuffix("+00:00"), time % 1_000
    if finer and not whole.microsecond:
        text += ".000000"
    return f"{text}{finer:03d}Z" if finer else f"{text}Z"


def in_utc(stored: Stored) -> Stored:
    """A time as read from PostgreSQL: asyncpg gives the first and the last microsecond of the calendar no zone."""
    return stored and stored.replace(tzinfo=UTC)
