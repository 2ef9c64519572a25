"""Reads the state of the tables as lines of text, one after the other, and hashes them.

The lines are those of ``model.lines``: equal hashes, equal states. Memory use does not grow with the tables: PostgreSQL
sorts, and rows come through a server-side cursor.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from catalog import limits
from catalog.catalog import Catalog
from model import lines
from model.state import EntityState, LinkState, ModelState
from store.db.pool import Connection
from store.db.sql import bind

FETCH_SIZE = 2_000
"""Rows fetched at a time."""
TIMEOUT = 3_600.0
"""Seconds that PostgreSQL may sort before the first row comes."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hashes of one tenant's state at one revision, in hex. ``relationships``: name → hash of its links alone."""

    entities: str
    links: str
    aliases: str
    relationships: dict[str, str]


class AuditedEntity(NamedTuple):
    """One entity. ``recorded``: its state by its own facts, also if it was merged; ``data`` is empty unless that is
    live. ``latest``, ``ended``: order keys."""

    kind: str
    key: str
    state: EntityState
    recorded: EntityState
    data: dict[str, Any]
    sequence: str | None
    latest: bytes
    ended: bytes


class AuditedLink(NamedTuple):
    """One link. ``stated_child``, ``stated_parent``: the keys in the facts, where they are merged into others."""

    relationship: str
    child: str
    parent: str
    state: LinkState
    stated_child: str | None
    stated_parent: str | None


class AuditedAlias(NamedTuple):
    """One key that was merged."""

    kind: str
    key: str
    survivor: str


class _EntityLine(NamedTuple):
    """A row of ``entity_lines``. ``prefix``: the line up to its data."""

    kind: str
    key: str
    state: EntityState
    recorded: EntityState
    sequence: str | None
    data: dict[str, Any]
    latest: bytes
    ended: bytes
    prefix: str


class _LinkLine(NamedTuple):
    """A row of ``link_lines``."""

    relationship: str
    child: str
    parent: str
    stated_child: str | None
    stated_parent: str | None
    state: LinkState
    line: str


class _AliasLine(NamedTuple):
    """A row of ``alias_lines``."""

    kind: str
    key: str
    survivor: str
    line: str


async def entities(
    conn: Connection, catalog: Catalog, tenant: str, revision: int
) -> AsyncIterator[tuple[bytes, AuditedEntity]]:
    """Yields (line, entity) for every entity at a revision, sorted by line. Placeholders whose key is longer than new
    facts may have are left out. Needs a transaction."""
    columns = catalog.columns()
    run: list[tuple[bytes, AuditedEntity]] = []
    first = ""
    query = bind(
        "entity_lines",
        tenant=tenant,
        revision=revision,
        relationships=columns.names,
        element_kinds=columns.element_kinds,
        parent_lists=columns.parent_lists,
        key_limit=limits.KEY,
    )
    async for record in conn.cursor(*query, prefetch=FETCH_SIZE, timeout=TIMEOUT):
        row = _EntityLine(*record)
        # Rows are sorted by their prefixes. So are the whole lines, except those of which one prefix begins with
        # another: the rest of a key may look like the data of another line. Each such run is sorted here.
        if run and not row.prefix.startswith(first):
            for pair in sorted(run, key=lambda one: one[0]):
                yield pair
            run = []
        first = row.prefix if not run else first
        data = row.data if row.recorded == "live" else {}
        line = row.prefix.encode() + orjson.dumps(data if row.state == "live" else {}, option=orjson.OPT_SORT_KEYS)
        entity = AuditedEntity(row.kind, row.key, row.state, row.recorded, data, row.sequence, row.latest, row.ended)
        run.append((line, entity))
    for pair in sorted(run, key=lambda one: one[0]):
        yield pair


async def links(
    conn: Connection, catalog: Catalog, tenant: str, revision: int
) -> AsyncIterator[tuple[bytes, AuditedLink]]:
    """Yields (line, link) for every link at a revision, sorted by line, without those of keys that are longer than new
    facts may have. Needs a transaction."""
    columns = catalog.columns()
    query = bind(
        "link_lines",
        tenant=tenant,
        revision=revision,
        relationships=columns.names,
        element_kinds=columns.element_kinds,
        parent_lists=columns.parent_lists,
        exclusive=columns.exclusive,
        key_limit=limits.KEY,
    )
    async for record in conn.cursor(*query, prefetch=FETCH_SIZE, timeout=TIMEOUT):
        row = _LinkLine(*record)
        link = AuditedLink(row.relationship, row.child, row.parent, row.state, row.stated_child, row.stated_parent)
        yield row.line.encode(), link


async def aliases(conn: Connection, tenant: str, revision: int) -> AsyncIterator[tuple[bytes, AuditedAlias]]:
    """Yields (line, alias) for every key that is merged at a revision, sorted by line. Needs a transaction."""
    query = bind("alias_lines", tenant=tenant, revision=revision)
    async for record in conn.cursor(*query, prefetch=FETCH_SIZE, timeout=TIMEOUT):
        row = _AliasLine(*record)
        yield row.line.encode(), AuditedAlias(row.kind, row.key, row.survivor)


class Hasher:
    """Hashes lines, which must come in their order."""

    def __init__(self, catalog: Catalog) -> None:
        declared = catalog.relationships.items()
        self._via = {name: relationship.field or relationship.list_field or name for name, relationship in declared}
        self._entities = hashlib.sha256()
        self._links = hashlib.sha256()
        self._aliases = hashlib.sha256()
        self._relationships = {name: hashlib.sha256() for name in catalog.relationships}

    def add_entity(self, line: bytes) -> None:
        """Adds the next entity's line."""
        self._entities.update(line + b"\n")

    def add_link(self, line: bytes, link: AuditedLink) -> None:
        """Adds the next link's line. Within one relationship the order is that of its own lines, too."""
        self._links.update(line + b"\n")
        via = self._via[link.relationship]
        self._relationships[link.relationship].update(f"{via}|{link.child}|{link.parent}|{link.state}\n".encode())

    def add_alias(self, line: bytes) -> None:
        """Adds the next alias's line."""
        self._aliases.update(line + b"\n")

    def fingerprint(self) -> Fingerprint:
        """Returns the hashes of all lines that were added."""
        relationships = {name: hashed.hexdigest() for name, hashed in self._relationships.items()}
        return Fingerprint(
            self._entities.hexdigest(), self._links.hexdigest(), self._aliases.hexdigest(), relationships
        )


async def of_tables(conn: Connection, catalog: Catalog, tenant: str, revision: int) -> Fingerprint:
    """Returns the hashes of what the tables hold at a revision. Needs a transaction."""
    hasher = Hasher(catalog)
    async for line, _ in entities(conn, catalog, tenant, revision):
        hasher.add_entity(line)
    async for line, link in links(conn, catalog, tenant, revision):
        hasher.add_link(line, link)
    async for line, _ in aliases(conn, tenant, revision):
        hasher.add_alias(line)
    return hasher.fingerprint()


def of_model(catalog: Catalog, state: ModelState) -> Fingerprint:
    """Returns the hashes of what the model folded."""
    relationships = {name: lines.digest(found) for name, found in lines.relationship_lines(catalog, state).items()}
    return Fingerprint(
        lines.digest(lines.entity_lines(state)),
        lines.digest(lines.link_lines(state)),
        lines.digest(lines.alias_lines(state)),
        relationships,
    )
