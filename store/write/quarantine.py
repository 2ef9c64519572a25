"""Facts that could not be taken, kept as they came, each with its reason."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from facts.ingest import Rejection
from store.db.pool import Connection
from store.db.sql import sql


async def keep(conn: Connection, tenant: str, rejected: Sequence[Rejection]) -> None:
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
