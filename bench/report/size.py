"""Sizes on disk: bytes of tables, indexes and the write-ahead log."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.drivers.stack import Connection

WAL = "WAL"


@dataclass(frozen=True)
class Size:
    """``of``: bytes by name of a table or index; ``WAL``: written since the cluster was created."""

    of: Mapping[str, int]

    def without(self, before: "Size") -> "Size":
        """Returns the bytes that were added since ``before``."""
        return Size({name: count - before.of.get(name, 0) for name, count in self.of.items()})

    def each(self, count: int) -> dict[str, float]:
        """Returns the bytes divided by ``count``, the largest first."""
        found = sorted(((size / count, name) for name, size in self.of.items()), reverse=True)
        return {name: round(size, 1) for size, name in found}


async def size(conn: Connection) -> Size:
    """Measures tables, with free space and TOAST, indexes, which are listed separately, and the write-ahead log."""
    rows = await conn.fetch("""
        select c.relname as name,
               case when c.relkind = 'i' then pg_relation_size(c.oid) else pg_table_size(c.oid) end as size
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'tether' and c.relkind in ('r', 'i')
    """)
    wal = await conn.fetchval("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
    return Size({WAL: wal, **{row["name"]: row["size"] for row in rows}})
