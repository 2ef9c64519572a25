"""Compares since when each alias and each link is as it is with what follows from the facts, revision by revision."""

from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

from catalog import limits
from catalog.catalog import Catalog
from model.facts import ModelFact
from model.links import LinkEnds
from model.state import LinkKey
from model.timelines import Timelines
from store.audit.fingerprint import FETCH_SIZE, TIMEOUT
from store.db.pool import Connection
from store.db.snapshot import begin
from store.db.sql import OPEN, bind, fetch_value

Value = TypeVar("Value")
Versions: TypeAlias = list[tuple[int, int, Value]]
"""(from revision, to revision, value)."""
Changes: TypeAlias = list[tuple[int, Value | None]]
"""(revision, value from it on; None: nothing)."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revisions of a tenant. ``since``: the first one of which the past is compared: what was before the newest
    change of a declaration, or before the horizon, is not. ``revisions``, ``last``: those with facts, and the position
    of the last fact of each."""

    since: int
    revisions: "array[int]"
    last: "array[int]"

    def of(self, position: int) -> int:
        """The revision of the fact at a position."""
        return self.revisions[bisect_left(self.last, position)]


async def revisions(conn: Connection, tenant: str) -> Revisions:
    """Reads the revisions of a tenant. Needs a transaction."""
    since = max(
        await fetch_value(conn, "verify_compared_since", tenant=tenant) or 0, (await begin(conn, tenant)).horizon
    )
    found = Revisions(since, array("q"), array("q"))
    query = bind("verify_revision_ends", tenant=tenant)
    async for revision, last in conn.cursor(*query, prefetch=FETCH_SIZE, timeout=TIMEOUT):
        found.revisions.append(revision)
        found.last.append(last)
    return found


async def differences(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    facts: Sequence[ModelFact],
    past: Revisions,
    concerns: Callable[[str, str], bool],
) -> AsyncIterator[str]:
    """Describes each alias and link whose past is not the one of the facts. Needs a transaction of one snapshot.

    ``concerns``: whether the entity of a kind and key is compared, as alias, or as the one that names the other end of
    a link; ``facts``: all that decide the state of those entities and their links.
    """
    timelines = Timelines(catalog, facts, past.of)
    for description in await _aliases(conn, tenant, timelines, past.since, concerns):
        yield description
    for description in await _links(conn, catalog, tenant, timelines, past.since, concerns):
        yield description


async def _aliases(
    conn: Connection, tenant: str, timelines: Timelines, since: int, concerns: Callable[[str, str], bool]
) -> Iterator[str]:
    rows = [tuple(row) async for row in _rows(conn, "verify_alias_versions", tenant) if concerns(*row[:2])]
    found: dict[tuple[str, ...], Versions[str]] = {
        at: [(begins, ends, survivor) for *_, begins, ends, survivor in versions]
        for at, versions in groupby(rows, key=lambda row: row[:2])
    }
    expected: dict[tuple[str, ...], Changes[str]] = {
        at: changes for at, changes in timelines.aliases.items() if concerns(*at)
    }
    return _compared(found, expected, since, "{} {!r} was merged into")


async def _links(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    timelines: Timelines,
    since: int,
    concerns: Callable[[str, str], bool],
) -> Iterator[str]:
    def is_compared(at: LinkKey) -> bool:
        relationship = catalog.relationships.get(at[0])
        listing = 2 if relationship is not None and relationship.parent_lists else 1
        return relationship is not None and concerns(relationship.listing_kind, at[listing])

    rows = _rows(conn, "verify_link_ends_versions", tenant)
    keyed = [(tuple(filter(None, row[:3])), *row[3:]) async for row in rows]
    found: dict[LinkKey, Versions[LinkEnds]] = {
        at: [(begins, ends, LinkEnds(*of_link)) for _, begins, ends, *of_link in versions]
        for at, versions in groupby(keyed, key=itemgetter(0))
        if is_compared(at)
    }
    expected = {at: changes for at, changes in timelines.links() if is_compared(at)}
    return _compared(found, expected, since, "the {} of {!r} had the parent")


async def _rows(conn: Connection, query: str, tenant: str) -> AsyncIterator[Any]:
    async for record in conn.cursor(*bind(query, tenant=tenant), prefetch=FETCH_SIZE, timeout=TIMEOUT):
        yield record


def _compared(
    found: dict[tuple[str, ...], Versions[Any]], expected: dict[tuple[str, ...], Changes[Any]], since: int, what: str
) -> Iterator[str]:
    for at in sorted(found.keys() | expected.keys()):
        was, by_facts = _since(_changes(found.get(at, [])), since), _since(expected.get(at, []), since)
        if was != by_facts and not _is_too_long(at[1], *was, *by_facts):
            yield f"{what.format(*at)} {_shown(was)}; by the facts {_shown(by_facts)}"


def _changes(versions: Versions[Value]) -> Changes[Value]:
    """The revisions at which something else begins; versions that follow each other with the same value are one."""
    changes: Changes[Value] = []
    for begins, ends, value in versions:
        if changes and changes[-1][0] == begins:
            changes.pop()  # what the version before ended with
        if not changes or changes[-1][1] != value:
            changes.append((begins, value))
        if ends != OPEN:
            changes.append((ends, None))
    return changes


def _since(changes: Changes[Value], revision: int) -> Changes[Value]:
    """What is known from a revision on, beginning with what held then."""
    before = [change for change in changes if change[0] <= revision]
    later = [change for change in changes if change[0] > revision]
    held = before[-1][1] if before else None
    return later if held is None else [(revision, held), *later]


def _is_too_long(key: str, *changes: tuple[int, Any]) -> bool:
    """Whether this depends on the version that recorded it: links of keys that are longer than new facts may have."""
    ends = [key, *(value.parent for _, value in changes if isinstance(value, LinkEnds))]
    return max(map(limits.size, ends)) > limits.KEY


def _shown(changes: Changes[Any]) -> str:
    if not changes:
        return "none"
    texts = [f"{_value(value)} from revision {revision} on" for revision, value in changes]
    text = ", ".join(texts)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _value(value: Any) -> str:
    if isinstance(value, LinkEnds):
        stated = [f"{key!r}" for key in value[1:] if key is not None]
        return f"{value.parent!r}" + (f" (stated {' and '.join(stated)})" if stated else "")
    return "none" if value is None else repr(value)
