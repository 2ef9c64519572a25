"""Whether what arrives under a known source and id is the recorded fact, and if not, what differs.

Equal digests mean the same fact. Digests that differ do not mean another one: an earlier version made them of more
attributes, or of another spelling of the data. Then the recorded fact is read, and compared attribute by attribute.
"""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import orjson

from catalog.registry import OWN_SOURCE
from catalog.vocabulary import Effect
from facts import own_facts
from facts.correlation import decode
from facts.envelope import Entry
from facts.json_numbers import plain
from store.db.pool import Connection
from store.db.sql import fetch_rows
from store.write.arrivals import FactKey

_PATH = 100
"""Characters of a field's name in a reason, at most."""


class RecordedFact(NamedTuple):
    """A fact of the ledger: the attributes that decide whether it is the same."""

    source: str
    id: str
    type: str
    key: str
    sequence: str | None
    data: dict[str, Any]
    correlation: str | None
    emptied: str | None = None
    """Why its data is not known any more; None: it is."""
    published: dict[str, Any] | None = None
    """The message that it was the first fact of, if it was in one."""


async def find_recorded(conn: Connection, tenant: str, wanted: Collection[FactKey]) -> dict[FactKey, RecordedFact]:
    """Reads the facts with these sources and ids, as far as they are in the ledger."""
    sources, ids = [source for source, _ in wanted], [id for _, id in wanted]
    rows = await fetch_rows(conn, RecordedFact, "recorded_facts", tenant=tenant, sources=sources, ids=ids)
    return {(row.source, row.id): row for row in rows}


async def find_voided(conn: Connection, tenant: str, wanted: Collection[FactKey]) -> dict[FactKey, str]:
    """Those of the facts with these sources and ids that an operator has voided → what is to be said to the sender."""
    by_id = {own_facts.void_id(source, id): (source, id) for source, id in wanted}
    sources = [OWN_SOURCE] * len(by_id)
    rows = await fetch_rows(conn, RecordedFact, "recorded_facts", tenant=tenant, sources=sources, ids=list(by_id))
    why = (
        "is void since an operator has taken it back ({reason}), and has no part in the state: if it is right after"
        " all, publish it under a new id"
    )
    return {by_id[row.id]: why.format(reason=row.data["reason"]) for row in rows}


def differences(recorded: RecordedFact | Entry, entry: Entry) -> list[str]:
    """Names the attributes in which an entry differs from what is recorded under its source and id; none: the same.

    Of data, the first field that differs is named. A correlation id counts only where it names a parent.
    """
    return list(_differences(recorded, entry))


def _differences(recorded: RecordedFact | Entry, entry: Entry) -> Iterator[str]:
    message, again = _message(recorded), _message(entry)
    if message is not None and again is not None and first_difference(message, again) is None:
        return  # the same message, though its mapping may give other facts now
    if recorded.type != entry.type:
        yield "type"
    if recorded.key != entry.key:
        yield "subject"
    if recorded.sequence != entry.sequence:
        yield "sequence"
    if isinstance(recorded, RecordedFact) and recorded.emptied is not None:
        yield "data"  # its digest differs, and was made again when the data was emptied
    elif (path := first_difference(plain(_data(recorded)), plain(_data(entry)))) is not None:
        yield path if len(path) <= _PATH else f"{path[:_PATH]}…"
    if entry.effect is Effect.CREATED and decode(recorded.correlation) != decode(entry.correlation):
        yield "correlationid"


def _data(fact: RecordedFact | Entry) -> Any:
    """The data as they were published."""
    return fact.data if isinstance(fact, RecordedFact) else orjson.loads(fact.body)


def _message(fact: RecordedFact | Entry) -> dict[str, Any] | None:
    published = fact.published if isinstance(fact, RecordedFact) else fact.published and orjson.loads(fact.published)
    return published if published and "type" in published else None


def first_difference(one: Any, other: Any, path: str = "data") -> str | None:
    """The path of the first value in which two JSON values differ in meaning, such as ``data.tags[2]``; None if none.

    Numbers are compared by value. To Python 1 and True are equal, in JSON they are not.
    """
    if type(one) is dict and type(other) is dict:
        for name in sorted(one.keys() | other.keys()):
            if name not in one or name not in other:
                return f"{path}.{name}"
            if (found := first_difference(one[name], other[name], f"{path}.{name}")) is not None:
                return found
        return None
    if type(one) is list and type(other) is list:
        for place, (item, counterpart) in enumerate(zip(one, other, strict=False)):
            if (found := first_difference(item, counterpart, f"{path}[{place}]")) is not None:
                return found
        return None if len(one) == len(other) else f"{path}[{min(len(one), len(other))}]"
    return None if one == other and (type(one) is bool) == (type(other) is bool) else path
