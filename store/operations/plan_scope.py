"""The set of children that a request concerns at a revision: a pure function of both, as links keep their versions."""

from dataclasses import asdict, dataclass
from hashlib import sha256

import orjson

from catalog.catalog import Catalog
from store.db.pool import Connection
from store.db.sql import sql
from store.operations.operations import Row
from store.operations.restrictions import rules

SAMPLE = 5
"""Children that are named as examples."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is to be planned. ``delete``: ``entity_kind`` and ``key``. ``move`` and ``detach``: a ``relationship`` and
    either all children of ``parent`` or those that are named; of a move ``to``, the parent they are to go to."""

    kind: str
    entity_kind: str | None = None
    key: str | None = None
    relationship: str | None = None
    parent: str | None = None
    to: str | None = None
    children: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScopePart:
    """Children of one relationship that are concerned; ``command``: what their owner would be asked for each;
    ``policy``: of a deletion, what becomes of them."""

    relationship: str
    parent_kind: str
    child_kind: str
    owner: str
    command: str
    policy: str
    children: int
    sample: list[str]


@dataclass(frozen=True, slots=True)
class ScopeChange:
    """Children of one relationship that are concerned now and were not when it was planned, or the other way."""

    relationship: str
    count: int
    sample: list[str]


async def concerned(conn: Connection, catalog: Catalog, tenant: str, request: PlanRequest, revision: int) -> list[Row]:
    """By relationship: how many ``children`` at a revision, a ``sample`` of them, and the ``hash`` of all."""
    if request.kind == "delete":
        place = tenant, request.entity_kind, request.key, revision, *rules(catalog)
        return list(await conn.fetch(sql("parts_of_deletion"), *place))
    return list(await conn.fetch(sql("parts_of_change"), tenant, *change(request), revision))


def change(request: PlanRequest) -> tuple[str | None, str | None, list[str], str | None]:
    """The arguments that say which links a move or a detachment is about."""
    return request.relationship, request.parent, list(request.children), request.to


async def differences(
    conn: Connection, catalog: Catalog, tenant: str, request: PlanRequest, planned: int, now: int
) -> tuple[list[ScopeChange], list[ScopeChange]]:
    """What appeared and what vanished between two revisions."""
    if request.kind == "delete":
        place = tenant, request.entity_kind, request.key, planned, now, *rules(catalog)
        rows = await conn.fetch(sql("changes_of_deletion"), *place)
    else:
        rows = await conn.fetch(sql("changes_of_change"), tenant, *change(request), planned, now)
    found: dict[str, list[ScopeChange]] = {"appeared": [], "vanished": []}
    for row in rows:
        found[row["what"]].append(ScopeChange(row["relationship"], row["children"], row["sample"]))
    return found["appeared"], found["vanished"]


def part(catalog: Catalog, request: PlanRequest, row: Row) -> ScopePart:
    """A row of ``concerned``, for people."""
    relationship = catalog.relationship(row["relationship"])
    by_kind = {"delete": relationship.sweep, "move": relationship.move, "detach": relationship.detach}
    command = by_kind[request.kind]
    return ScopePart(
        relationship=relationship.name,
        parent_kind=relationship.parent,
        child_kind=relationship.child,
        owner=catalog.owner_of(relationship.child),
        command=command.__name__ if command is not None else "",
        policy=relationship.on_parent_deleted.name if request.kind == "delete" else "",
        children=row["children"],
        sample=row["sample"],
    )


def digest(tenant: str, request: PlanRequest, revision: int, parts: list[Row]) -> str:
    """Of the exact set, the request and the revision: SHA-256 in hex."""
    of_parts = [(row["relationship"], row["children"], row["hash"]) for row in parts]
    return sha256(orjson.dumps((tenant, asdict(request), revision, of_parts), option=orjson.OPT_SORT_KEYS)).hexdigest()
