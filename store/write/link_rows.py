"""Writes links: those that end, and those that begin.

Of a many-to-many relationship a child has several: each is known by its parent as well, for which rows have a column.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from store.db.pool import Connection
from store.db.sql import OPEN, execute
from store.write.context import WriteContext
from store.write.diff import ClosedLink, OpenedLink

LINKS = """tenant from_revision to_revision since relationship child parent rank of_former_incarnation stated_child
    stated_parent"""
MANY_LINKS = f"{LINKS} many"


async def close(context: WriteContext, closed: Sequence[ClosedLink]) -> None:
    """Ends links at the revision of the context."""
    of_tenant = {"tenant": context.tenant, "revision": context.revision}
    many: Sequence[ClosedLink] = ()
    if context.catalog.listing:
        many = [link for link in closed if link.relationship.many]
        closed = [link for link in closed if not link.relationship.many]
    if closed:
        names, children = [link.relationship.name for link in closed], [link.child for link in closed]
        await execute(context.conn, "close_links", relationships=names, children=children, **of_tenant)
    if many:
        await execute(
            context.conn,
            "close_listed_links",
            relationships=[link.relationship.name for link in many],
            children=[link.child for link in many],
            parents=[link.parent for link in many],
            **of_tenant,
        )


async def open(context: WriteContext, opened: Sequence[OpenedLink]) -> None:
    """Begins links at the revision of the context, after those of the same children have ended."""
    many: Sequence[OpenedLink] = ()
    if context.catalog.listing:
        many = [link for link in opened if link.relationship.many]
        opened = [link for link in opened if not link.relationship.many]
    if opened:
        await _copy(context.conn, LINKS, _values(context, opened))
    if many:
        rows = ((*row, link.parent) for row, link in zip(_values(context, many), many, strict=True))
        await _copy(context.conn, MANY_LINKS, rows)


def _values(context: WriteContext, opened: Iterable[OpenedLink]) -> Iterator[tuple[Any, ...]]:
    """In the order of LINKS."""
    tenant, revision, now = context.tenant, context.revision, context.now
    return (
        (
            tenant,
            revision,
            OPEN,
            now,
            o.relationship.name,
            o.child,
            o.parent,
            o.rank,
            o.former,
            o.stated_child,
            o.stated_parent,
        )
        for o in opened
    )


async def _copy(conn: Connection, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    await conn.copy_records_to_table("links", schema_name="tether", columns=columns.split(), records=rows)
