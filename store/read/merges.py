"""Merges as they are listed and read: what each of their pairs is now."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from errors import Unknown
from store.db.filtered_page import ReadRows, filtered_page, read_rows
from store.db.snapshot import Snapshot
from store.db.sql import fetch_row, fetch_rows

MergePosition: TypeAlias = tuple[datetime, str]
"""Where the next page begins: before (created_at, id)."""


class ListedMerge(NamedTuple):
    """A merge. ``pairs``: JSON objects with the loser, whether the pair is merged, and what it would join if it is set
    aside; ``operation``, ``operation_state``: those of the one that carries it out; None: an owner's fact says it."""

    id: str
    kind: str
    survivor: str
    reason: str
    created_at: datetime
    source: str | None
    fact: str | None
    revision: int | None
    proof: dict[str, Any] | None
    operation: str | None
    operation_state: str | None
    actor: str | None
    pairs: list[dict[str, Any]]


async def find(at: Snapshot, id: str) -> ListedMerge:
    """One merge. Raises Unknown."""
    row = await fetch_row(at.conn, ListedMerge, "listed_merge", tenant=at.tenant, id=id)
    if row is None:
        raise Unknown(f"no merge {id!r}; GET /v1/merges lists them")
    return row


async def page(
    at: Snapshot, kind: str | None, key: str | None, before: MergePosition | None, limit: int
) -> tuple[list[ListedMerge], MergePosition | None]:
    """Returns up to ``limit`` merges, the newest first, and the position of the next page; None: this is the last one.

    ``kind``: None: of all; ``key``: only those that name it; ``before``: None for the first page. A page may hold fewer
    than ``limit`` although there are more (see `filtered_page`).
    """
    matches = None if kind is None and key is None else partial(_matches, kind, key)
    return await filtered_page(partial(_read, at), _before, before, limit, matches)


def _matches(kind: str | None, key: str | None, row: ListedMerge) -> bool:
    named = key is None or key == row.survivor or any(key == pair["loser"] for pair in row.pairs)
    return kind in (None, row.kind) and named


async def _read(at: Snapshot, before: MergePosition | None, size: int) -> ReadRows[ListedMerge, MergePosition]:
    created_at, id = before or (datetime(9999, 1, 1, tzinfo=UTC), "")
    rows = await fetch_rows(
        at.conn, ListedMerge, "merges_page", tenant=at.tenant, before=created_at, before_id=id, size=size
    )
    return read_rows(rows, size, _before)


def _before(row: ListedMerge) -> MergePosition:
    return row.created_at, row.id
