"""The quarantine (dead-letter queue): facts that were rejected, as they were received, each with the reason."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from catalog import limits
from errors import Malformed, Unacceptable
from facts.ingest import Rejection
from facts.json_numbers import plain
from facts.json_text import parse_json
from store.db.pool import Connection
from store.db.sql import OPEN, execute, fetch_rows


class _Quarantined(NamedTuple):
    id: int
    source: str | None
    event_id: str | None
    type: str | None
    reason: str
    raw: bytes
    received: datetime
    times: int


async def keep(conn: Connection, tenant: str, rejected: Sequence[Rejection]) -> None:
    """Stores rejected facts. One that is there already, with the same reason, is only counted, as often as it came."""
    first: dict[bytes, Rejection] = {}
    times: Counter[bytes] = Counter()
    for rejection in rejected:
        digest = _digest(rejection)
        first.setdefault(digest, rejection)
        times[digest] += 1
    digests, rows = list(first), list(first.values())
    await execute(
        conn,
        "keep_rejected",
        tenant=tenant,
        digests=digests,
        sources=[_storable(r.source) for r in rows],
        event_ids=[_storable(r.id) for r in rows],
        types=[_storable(r.type) for r in rows],
        reasons=[_storable(r.reason) for r in rows],
        raws=[r.raw for r in rows],
        times=[times[digest] for digest in digests],
    )


async def page(conn: Connection, tenant: str, before: int | None, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """Returns up to ``limit`` rejected facts as plain values, newest first, and whether there may be more.

    ``before``: only those whose id is below it; None: from the newest one. A page whose events reach the limit for
    pages, in bytes, ends with the event that does.
    """
    end = OPEN if before is None else before  # the greatest bigint: a null would keep the index from being used
    rows = await fetch_rows(
        conn, _Quarantined, "quarantine_page", tenant=tenant, before=end, size=limit + 1, room=limits.PAGE
    )
    more = len(rows) > limit or sum(len(row.raw) for row in rows) >= limits.PAGE
    shown = [
        {
            "id": r.id,
            "source": r.source,
            "event_id": r.event_id,
            "type": r.type,
            "reason": r.reason,
            "received": r.received,
            "times": r.times,
            "raw": r.raw.decode("utf-8", "replace"),
        }
        for r in rows[:limit]
    ]
    return shown, more


def _digest(rejection: Rejection) -> bytes:
    """Returns 16 bytes that are the same for every delivery of an event that is rejected for the same reason."""
    reason = rejection.reason.encode("utf-8", "backslashreplace")
    return blake2b(_meaning(rejection.raw) + b"\0" + reason, digest_size=16).digest()


def _meaning(raw: bytes) -> bytes:
    """Returns the same bytes for the same JSON, however it is written; anything else is returned as it is."""
    try:
        value, flaw = parse_json(raw)
        return raw if flaw else orjson.dumps(plain(value), option=orjson.OPT_SORT_KEYS)
    except (Malformed, Unacceptable, orjson.JSONEncodeError, RecursionError):
        return raw


def _storable(text: str | None) -> str | None:
    if text is None:
        return None
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\u0000")[:2000]
