"""Facts that could not be taken, kept as they came, each with its reason."""

import json
import reprlib
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from store.db.pool import Connection
from store.db.sql import sql


class Rejected(NamedTuple):
    """A fact that is kept aside. ``raw``: as it came, or as near to it as can be."""

    source: str | None
    id: str | None
    type: str | None
    reason: str
    raw: bytes


def dumps(event: Any) -> bytes:
    """An event as JSON; what UTF-8 cannot hold is escaped, and what JSON cannot is described."""
    try:
        return orjson.dumps(event)
    except orjson.JSONEncodeError:
        pass
    try:
        return json.dumps(event).encode()
    except (RecursionError, ValueError, TypeError):
        shortened = reprlib.Repr()
        shortened.maxlevel, shortened.maxdict, shortened.maxlist, shortened.maxstring = 20, 100, 100, 1_000
        return shortened.repr(event).encode("utf-8", "backslashreplace")


async def keep(conn: Connection, tenant: str, rejected: Sequence[Rejected]) -> None:
    """Keeps them; one that comes again is counted, not kept twice."""
    unique = {blake2b(r.raw + r.reason.encode("utf-8", "replace"), digest_size=16).digest(): r for r in rejected}
    rows = list(unique.values())
    await conn.execute(
        sql("keep_rejected"),
        tenant,
        list(unique),
        [_storable(r.source) for r in rows],
        [_storable(r.id) for r in rows],
        [_storable(r.type) for r in rows],
        [_storable(r.reason) for r in rows],
        [r.raw for r in rows],
    )


async def page(conn: Connection, tenant: str, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Newest first, those older than ``before``."""
    rows = await conn.fetch(sql("quarantine_page"), tenant, before, limit)
    return [
        {
            "id": r["id"],
            "source": r["source"],
            "event_id": r["event_id"],
            "type": r["type"],
            "reason": r["reason"],
            "received": r["received"],
            "times": r["times"],
            "raw": r["raw"].decode("utf-8", "replace"),
        }
        for r in rows
    ]


def _storable(text: str | None) -> str | None:
    if text is None:
        return None
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\u0000")[:2000]
