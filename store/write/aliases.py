"""Aliases: keys that were merged, and the survivor that each stands for."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from store.db.pool import Connection
from store.db.sql import fetch_rows
from store.write.diff import EntityKey


class AliasRow(NamedTuple):
    """One key that is merged, and the survivor of its cluster."""

    kind: str
    key: str
    survivor: str


async def survivors_of(conn: Connection, tenant: str, entities: Collection[EntityKey]) -> dict[EntityKey, str]:
    """The survivors of those of these entities that are merged into another one now."""
    if not entities:
        return {}
    kinds, keys = _columns(entities)
    rows = await fetch_rows(conn, AliasRow, "current_aliases", tenant=tenant, kinds=kinds, keys=keys)
    return {(row.kind, row.key): row.survivor for row in rows}


async def losers_of(conn: Connection, tenant: str, survivors: Collection[EntityKey]) -> dict[EntityKey, list[str]]:
    """The keys that are merged into each of these entities now, of those that have any."""
    if not survivors:
        return {}
    kinds, keys = _columns(survivors)
    rows = await fetch_rows(conn, AliasRow, "current_losers", tenant=tenant, kinds=kinds, keys=keys)
    found: dict[EntityKey, list[str]] = {}
    for row in rows:
        found.setdefault((row.kind, row.survivor), []).append(row.key)
    return found


def _columns(entities: Iterable[EntityKey]) -> tuple[list[str], list[str]]:
    columns = list(zip(*entities, strict=True))
    return list(columns[0]), list(columns[1])
