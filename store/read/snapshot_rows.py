"""Reads what a snapshot or an audit holds: the rows that a consumer which follows the feed with the same filter keeps.

Of a relationship: its links, by child, with the states that the feed has. Of a kind: the live entities by key, each
record with its own fields, and the keys that are merged, with their survivors: as the feed has them. Of a replica: the
same with its declared fields. Activity is no state, and has no rows here.

Rows are read in pages, each as of the same revision, in a transaction of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from catalog import limits
from catalog.catalog import Catalog
from catalog.relationship import Relationship
from catalog.replica import Replica
from errors import Refused, Unknown
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows, fetch_value
from store.read import listed_rows


class LinkRows(NamedTuple):
    """The links of a relationship. Those that are many to many are read by `listed_rows`."""

    relationship: Relationship

    @property
    def filter(self) -> dict[str, str]:
        """The query parameters that name these rows."""
        return {"relationship": self.relationship.name}

    def place(self, key: str) -> tuple[str, ...]:
        """What orders rows: the child; of many-to-many links the child and the parent."""
        return listed_rows.ends(key) if self.relationship.many else (key,)

    def arguments(self, at: Snapshot) -> dict[str, Any]:
        """The arguments of ``links_at`` that all pages have."""
        of = self.relationship
        return {
            "tenant": at.tenant,
            "relationship": of.name,
            "parent_kind": of.parent,
            "exclusive": of.exclusive,
            "revision": at.revision,
        }


class EntityRows(NamedTuple):
    """The entities of a kind, with all of their fields or those of a replica. ``merging``: whether its keys can be
    merged."""

    kind: str
    merging: bool
    replica: Replica | None = None

    @property
    def filter(self) -> dict[str, str]:
        """The query parameters that name these rows."""
        return {"kind": self.kind} if self.replica is None else {"replica": self.replica.name}


SnapshotRows: TypeAlias = LinkRows | EntityRows


class EntityRow(NamedTuple):
    """A key of a kind. ``data``: of its own record, None unless that is live; ``survivor``: None: it is not merged."""

    key: str
    data: Mapping[str, Any] | None
    survivor: str | None

    @property
    def kept(self) -> list[Any] | None:
        """The row that a consumer keeps of it, as ``tether/audits.py`` defines it; None: it keeps none."""
        if self.survivor is not None:
            return [self.key, self.data, self.survivor]
        return None if self.data is None else [self.key, self.data]


def rows_of(
    catalog: Catalog, *, relationship: str | None = None, kind: str | None = None, replica: str | None = None
) -> SnapshotRows:
    """Returns the rows that a filter names. Raises Refused unless it is exactly one, Unknown if it is not declared."""
    if sum(name is not None for name in (relationship, kind, replica)) != 1:
        raise Refused("name what to read: pass one of relationship, kind and replica")
    if relationship is not None:
        return LinkRows(catalog.relationship(relationship))
    declared = None if replica is None else catalog.replica(replica)
    kind = kind if declared is None else declared.of
    assert kind is not None
    catalog.owner_of(kind)
    if kind in catalog.contracts.feeds:
        raise Unknown(f"{kind!r} is a feed, whose activity is no state: list the activity of what it is about")
    return EntityRows(kind, kind in catalog.contracts.merging, declared)


async def count(at: Snapshot, rows: SnapshotRows) -> int:
    """Returns how many rows there are as of the snapshot's revision. Reads the whole range of an index: 10 million
    links take a second."""
    if isinstance(rows, LinkRows):
        name = rows.relationship.name
        where = {"tenant": at.tenant, "revision": at.revision, "head": at.head}
        return int(await fetch_value(at.conn, "count_snapshot_links", relationship=name, **where))
    return int(
        await fetch_value(at.conn, "count_snapshot_entities", tenant=at.tenant, kind=rows.kind, revision=at.revision)
    )


async def entities(
    at: Snapshot, rows: EntityRows, after: str, size: int, prefixes: Sequence[str] | None = None
) -> list[EntityRow]:
    """Returns up to ``size`` keys of a kind after a key (empty: from the first), also those without a row to keep.

    Fewer where their data is large; none only after the last.

    ``prefixes``: only keys whose hash begins with one of them have their row; None: all.
    """
    query = "snapshot_merged_entities" if at.merges and rows.merging else "snapshot_entities"
    found = await fetch_rows(
        at.conn,
        EntityRow,
        query,
        tenant=at.tenant,
        kind=rows.kind,
        revision=at.revision,
        after=after,
        size=size,
        room=limits.PAGE,
        prefixes=prefixes,
    )
    if rows.replica is None:
        return found
    return [row if row.data is None else row._replace(data=rows.replica.reduced(row.data)) for row in found]
