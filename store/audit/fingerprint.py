"""The state of the tables as lines of text, read one after the other, and their hashes.

The lines are those of ``model.lines``: equal hashes, equal states. Memory does not grow with the tables: PostgreSQL
sorts, and rows come through a server-side cursor.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from catalog.catalog import Catalog
from model import lines
from model.state import State
from store.db.pool import Connection
from store.db.sql import sql

AT_ONCE = 2_000
"""Rows fetched at a time."""
PATIENCE = 3_600.0
"""Seconds that PostgreSQL may sort before the first row comes."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hashes of one tenant's state at one revision, in hex; ``relationships``: of each one's links alone."""

    entities: str
    links: str
    relationships: dict[str, str]


class EntityRow(NamedTuple):
    """A current entity. ``data`` as readers see it: empty unless it is live. ``latest``, ``ended``: order keys."""

    kind: str
    key: str
    state: str
    data: dict[str, Any]
    sequence: str | None
    latest: bytes
    ended: bytes


class LinkRow(NamedTuple):
    """A current link."""

    relationship: str
    child: str
    parent: str
    state: str


async def entities(
    conn: Connection, catalog: Catalog, tenant: str, revision: int
) -> AsyncIterator[tuple[bytes, EntityRow]]:
    """Every entity at a revision with its line, by line. Within a transaction."""
    rels = catalog.relationships.values()
    run: list[tuple[bytes, EntityRow]] = []
    first = ""
    rows = conn.cursor(
        sql("entity_lines"),
        tenant,
        revision,
        [r.name for r in rels],
        [r.parent for r in rels],
        prefetch=AT_ONCE,
        timeout=PATIENCE,
    )
    async for row in rows:
        # Rows come by what precedes the data. That is the order of the whole lines too, except among lines that
        # begin alike: a key may look like the rest of another line.
        if run and not row["head"].startswith(first):
            for sorted_one in sorted(run, key=lambda one: one[0]):
                yield sorted_one
            run = []
        first = row["head"] if not run else first
        data = row["data"] if row["state"] == "live" else {}
        line = row["head"].encode() + orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        entity = EntityRow(
            row["kind"], row["key"], row["state"], data, row["sequence"], row["latest"], row["ended"]
        )  # fmt: skip
        run.append((line, entity))
    for sorted_one in sorted(run, key=lambda one: one[0]):
        yield sorted_one


async def links(conn: Connection, catalog: Catalog, tenant: str, revision: int) -> AsyncIterator[tuple[bytes, LinkRow]]:
    """Every link at a revision with its line, by line. Within a transaction."""
    rels = catalog.relationships.values()
    rows = conn.cursor(
        sql("link_lines"),
        tenant,
        revision,
        [r.name for r in rels],
        [r.parent for r in rels],
        [r.exclusive for r in rels],
        prefetch=AT_ONCE,
        timeout=PATIENCE,
    )
    async for row in rows:
        yield row["line"].encode(), LinkRow(row["relationship"], row["child"], row["parent"], row["state"])


class Hashing:
    """Takes lines in their order and becomes a fingerprint."""

    def __init__(self, catalog: Catalog) -> None:
        self._via = {name: relationship.field or name for name, relationship in catalog.relationships.items()}
        self._entities = hashlib.sha256()
        self._links = hashlib.sha256()
        self._of = {name: hashlib.sha256() for name in catalog.relationships}

    def entity(self, line: bytes) -> None:
        """The next entity's line."""
        self._entities.update(line + b"\n")

    def link(self, line: bytes, row: LinkRow) -> None:
        """The next link's line. Within one relationship the order is that of its own lines, too."""
        self._links.update(line + b"\n")
        via = self._via[row.relationship]
        self._of[row.relationship].update(f"{via}|{row.child}|{row.parent}|{row.state}\n".encode())

    def fingerprint(self) -> Fingerprint:
        """Of all that was taken."""
        of_each = {name: hashing.hexdigest() for name, hashing in self._of.items()}
        return Fingerprint(self._entities.hexdigest(), self._links.hexdigest(), of_each)


async def of_tables(conn: Connection, catalog: Catalog, tenant: str, revision: int) -> Fingerprint:
    """Within a transaction."""
    hashing = Hashing(catalog)
    async for line, _ in entities(conn, catalog, tenant, revision):
        hashing.entity(line)
    async for line, link in links(conn, catalog, tenant, revision):
        hashing.link(line, link)
    return hashing.fingerprint()


def of_model(catalog: Catalog, state: State) -> Fingerprint:
    """Of what the facts come to."""
    of_each = {name: lines.digest(found) for name, found in lines.relationship_lines(catalog, state).items()}
    return Fingerprint(lines.digest(lines.entity_lines(state)), lines.digest(lines.link_lines(state)), of_each)
