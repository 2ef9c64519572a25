"""What it takes on disk: bytes by table and index, and what was written ahead."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.drivers.stack import Connection

WAL = "WAL"


@dataclass(frozen=True)
class Size:
    """Bytes by name of a table or an index of Tether's; ``WAL``: written since the cluster was made."""

    of: Mapping[str, int]

    def without(self, before: "Size") -> "Size":
        """What has been added since."""
        return Size({name: count - before.of.get(name, 0) for name, count in self.of.items()})

    def each(self, count: int) -> dict[str, float]:
        """Bytes for each of so many, the greatest first."""
        found = sorted(((size / count, name) for name, size in self.of.items()), reverse=True)
        return {name: round(size, 1) for size, name in found}


async def size(conn: Connection) -> Size:
    """Tables with their free space and out-of-line values, without their indexes, which are named beside them."""
    rows = await conn.fetch("""
        select c.relname as name,
               case when c.relkind = 'i' then pg_relation_size(c.oid) else pg_table_size(c.oid) end as size
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'tether' and c.relkind in ('r', 'i')
    """)
    wal = await conn.fetchval("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
    return Size({WAL: wal, **{row["name"]: row["size"] for row in rows}})
