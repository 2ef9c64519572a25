"""Makes facts of one message of another system, by the mapping that its owner declares."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import orjson

from catalog.message_mapping import ForeignMessage, MappedFact, MessageMapping
from catalog.relationship import as_key
from errors import Unacceptable
from facts.envelope import Entry, Envelope

MOST = 100
"""Facts of one message, at most."""


def read(mapping: MessageMapping, envelope: Envelope) -> Iterator[Envelope]:
    """Yields the envelope of each fact that a message gives, in order; none: it says nothing.

    All have the id of the message; the first has its source, the others have it with their number: ``/issues#2``. So
    the same message again gives the same facts again, which have no effect. Raises Unacceptable if the mapping fails.
    """
    source, name = envelope.source, f"the mapping {mapping.function.__name__}"
    if "#" in source:
        raise Unacceptable("the source of a message has no fragment: its facts are numbered by one", "not_mapped")
    message = ForeignMessage(envelope.type, source, envelope.id, envelope.subject, deepcopy(envelope.data))
    try:
        found = [*mapping.function(message)]
    except Exception as error:  # whatever a user's function raises is about this message
        raise Unacceptable(f"{name} raises {type(error).__name__}: {error}", "not_mapped") from error
    if len(found) > MOST:
        raise Unacceptable(f"{name} gives {len(found)} facts of one message: {MOST} are taken", "not_mapped")
    for part, fact in enumerate(found, 1):
        if not isinstance(fact, MappedFact) or fact.fact not in mapping.to:
            raise Unacceptable(f"{name} gives {fact!r:.100}, which is none of the facts that it declares", "not_mapped")
        key = as_key(fact.key)
        if key is None:
            raise Unacceptable(
                f"{name} gives a {fact.fact.__name__} of {fact.key!r:.100}, which is no key", "not_mapped"
            )
        yield envelope._replace(
            type=fact.fact.wire_type(),
            source=source if part == 1 else f"{source}#{part}",
            subject=key,
            data=_json(name, fact),
        )


def _json(name: str, fact: MappedFact) -> Any:
    try:
        return orjson.loads(orjson.dumps(dict(fact.data)))  # a date, for one, becomes the text it is kept as
    except orjson.JSONEncodeError as error:
        raise Unacceptable(f"{name} gives what is no JSON: {error}", "not_mapped") from None


def first_of(entry: Entry) -> tuple[str, str]:
    """(source, id) of the first fact of the message that an entry was in."""
    return entry.source if entry.part == 1 else entry.source.removesuffix(f"#{entry.part}"), entry.id


def first_source(source: str) -> str | None:
    """The source of the first fact of a message, of which this may be that of another one; None: it is none."""
    first, mark, part = source.rpartition("#")
    return first if mark and part.isdecimal() else None


def published(envelope: Envelope) -> str:
    """The message as the ledger keeps it beside its first fact: JSON."""
    message = {"type": envelope.type, "subject": envelope.subject, "data": envelope.data}
    try:
        text = orjson.dumps(message).decode()
    except orjson.JSONEncodeError as error:
        raise Unacceptable(f"cannot be kept as JSON: {error}", "not_storable") from None
    if "\\u0000" in text:
        raise Unacceptable("a text holds a NUL character", "not_storable")
    return text
