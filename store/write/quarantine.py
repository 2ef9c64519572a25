"""The quarantine (dead-letter queue): facts that were rejected, as they were received, each with the reason.

Sums by cause and by sender follow by a trigger. A transaction that writes the quarantine of a tenant takes its lock
first, and that of the tenant's revision before it if it needs both.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import orjson

from config import QuarantineLimits
from errors import Malformed, Unacceptable
from facts.ingest import Rejection
from facts.json_numbers import plain
from facts.json_text import parse_json
from store.db.pool import Connection
from store.db.sql import execute, fetch_rows

FIELD = 100
"""Characters of a field that are kept: it is in an index."""


class Sender(NamedTuple):
    """Who sent events. ``name``: of the API key; ``publisher``: the owner whose facts it may publish, empty: any."""

    name: str
    publisher: str = ""


class _NotKept(NamedTuple):
    place: int


UNKNOWN = Sender("")


async def lock(conn: Connection, tenant: str) -> None:
    """Lets transactions that write the quarantine of a tenant come one after the other."""
    await execute(conn, "lock_quarantine", tenant=tenant)


async def keep(
    conn: Connection, tenant: str, rejected: Sequence[tuple[Rejection, Sender]], kept: QuarantineLimits
) -> list[int]:
    """Stores rejected facts; returns the positions of those that are not kept, as there are too many of their sender.

    One that is there already, with the same reason, is only counted, as often as it came.
    """
    places: dict[bytes, list[int]] = {}
    for place, (rejection, _) in enumerate(rejected):
        places.setdefault(digest(rejection.raw, rejection.reason), []).append(place)
    first = [rejected[found[0]] for found in places.values()]
    await lock(conn, tenant)
    missed = await fetch_rows(
        conn,
        _NotKept,
        "keep_rejected",
        tenant=tenant,
        digests=list(places),
        sources=[storable(r.source) for r, _ in first],
        event_ids=[storable(r.id) for r, _ in first],
        types=[storable(r.type) for r, _ in first],
        codes=[r.code for r, _ in first],
        fields=[storable(r.field, FIELD) for r, _ in first],
        reasons=[storable(r.reason) for r, _ in first],
        raws=[r.raw for r, _ in first],
        times=[len(found) for found in places.values()],
        actors=[sender.name for _, sender in first],
        publishers=[sender.publisher for _, sender in first],
        most_events=kept.events,
        most_bytes=kept.bytes,
    )
    every = list(places.values())
    return [place for row in missed for place in every[row.place - 1]]


def digest(raw: bytes, reason: str) -> bytes:
    """Returns 16 bytes that are the same for every delivery of an event that is rejected for the same reason."""
    return blake2b(_meaning(raw) + b"\0" + reason.encode("utf-8", "backslashreplace"), digest_size=16).digest()


def _meaning(raw: bytes) -> bytes:
    """Returns the same bytes for the same JSON, however it is written; anything else is returned as it is."""
    try:
        value, flaw = parse_json(raw)
        return raw if flaw else orjson.dumps(plain(value), option=orjson.OPT_SORT_KEYS)
    except (Malformed, Unacceptable, orjson.JSONEncodeError, RecursionError):
        return raw


def storable(text: str | None, most: int = 2_000) -> str | None:
    """A text as it is kept: without NUL and lone surrogates, and not too long."""
    if text is None:
        return None
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\u0000")[:most]
