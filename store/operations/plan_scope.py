"""The set of children that a request affects at a revision: a pure function of both, as links keep their versions."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import orjson

from catalog.catalog import Catalog
from store.db.pool import Connection
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows, fetch_value
from store.write.aliases import survivors_of

SAMPLE = 5
"""How many children are listed as examples."""

PlanKind = Literal["delete", "move", "detach"]


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What to plan. A ``delete`` has ``entity_kind`` and ``key``. A ``move`` or ``detach`` has a ``relationship``, and
    either ``parent``, for all of its children, or ``children``. A ``move`` also has ``to``: the new parent."""

    kind: PlanKind
    entity_kind: str | None = None
    key: str | None = None
    relationship: str | None = None
    parent: str | None = None
    to: str | None = None
    children: tuple[str, ...] = ()

    def in_form(self, catalog: Catalog) -> PlanRequest:
        """The same with its keys in the normal forms of their kinds. Raises Unknown for an unknown relationship."""
        normal = catalog.contracts.key
        if self.relationship is None:
            return replace(self, key=self.key and normal(self.entity_kind or "", self.key))
        declared = catalog.relationship(self.relationship)
        return replace(
            self,
            parent=self.parent and normal(declared.parent, self.parent),
            to=self.to and normal(declared.parent, self.to),
            children=tuple(dict.fromkeys(normal(declared.child, child) for child in self.children)),
        )


@dataclass(frozen=True, slots=True)
class ScopePart:
    """The affected children of one relationship. ``command``: what their owner would be sent for each, empty: nothing;
    ``policy``: of a deletion, the policy of the relationship; ``sample``: keys of up to five of them."""

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
    """Children of one relationship that appeared in the set or vanished from it."""

    relationship: str
    count: int
    sample: list[str]


class ScopeRow(NamedTuple):
    """The affected children of one relationship. ``hash``: SHA-256 of their (child, parent) pairs, in hex."""

    relationship: str
    children: int
    sample: list[str]
    hash: str


class _ChangeRow(NamedTuple):
    what: Literal["appeared", "vanished"]
    relationship: str
    children: int
    sample: list[str]


async def scope(conn: Connection, catalog: Catalog, tenant: str, request: PlanRequest, revision: int) -> list[ScopeRow]:
    """The set that a request affects at a revision, by relationship."""
    where = _parameters(catalog, tenant, request)
    return await fetch_rows(conn, ScopeRow, "plan_scope", **where, revision=revision)


async def count_deleted(conn: Connection, catalog: Catalog, tenant: str, request: PlanRequest, revision: int) -> int:
    """How many entities would be deleted with the one that the request deletes: each counts once, also if several
    relationships lead to it."""
    where = _deletion(catalog, tenant, request)
    count: int = await fetch_value(conn, "count_deleted", **where, revision=revision)
    return count


async def changes(
    conn: Connection, catalog: Catalog, tenant: str, request: PlanRequest, planned: int, present: int
) -> tuple[list[ScopeChange], list[ScopeChange]]:
    """How the set of children that ``request`` concerns changed between two revisions: (what appeared, what vanished).

    ``planned``: the earlier revision, that of the plan; ``present``: the later one.
    """
    where = _parameters(catalog, tenant, request)
    rows = await fetch_rows(conn, _ChangeRow, "plan_scope_changes", **where, planned=planned, present=present)
    found: dict[str, list[ScopeChange]] = {"appeared": [], "vanished": []}
    for row in rows:
        found[row.what].append(ScopeChange(row.relationship, row.children, row.sample))
    return found["appeared"], found["vanished"]


def _parameters(catalog: Catalog, tenant: str, request: PlanRequest) -> dict[str, Any]:
    """What the queries of a scope take, their revisions apart."""
    return {**_deletion(catalog, tenant, request), **link_parameters(request)}


def _deletion(catalog: Catalog, tenant: str, request: PlanRequest) -> dict[str, Any]:
    """The parameters that select the links which a deletion concerns."""
    columns = catalog.columns()
    return {
        "tenant": tenant,
        "kind": request.entity_kind,
        "key": request.key,
        "rule_names": columns.names,
        "rule_parents": columns.parent_kinds,
        "rule_children": columns.child_kinds,
        "rule_policies": columns.policies,
        "rule_many": columns.many,
        "rule_shared": columns.skips_shared,
    }


def link_parameters(request: PlanRequest) -> dict[str, Any]:
    """The parameters that select the links of a move or a detachment."""
    return {
        "relationship": request.relationship,
        "parent": request.parent,
        "children": list(request.children),
        "target": request.to,
    }


def part(catalog: Catalog, request: PlanRequest, row: ScopeRow) -> ScopePart:
    """A row of the set, with what its relationship declares."""
    relationship = catalog.relationship(row.relationship)
    by_kind = {"delete": relationship.sweep, "move": relationship.move, "detach": relationship.detach}
    command = by_kind[request.kind]
    return ScopePart(
        relationship=relationship.name,
        parent_kind=relationship.parent,
        child_kind=relationship.child,
        owner=catalog.owner_of(relationship.child),
        command=command.__name__ if command is not None else "",
        policy=relationship.on_parent_deleted.name if request.kind == "delete" else "",
        children=row.children,
        sample=row.sample,
    )


def digest(tenant: str, request: PlanRequest, revision: int, rows: list[ScopeRow]) -> str:
    """SHA-256 of the tenant, the request, the revision and the exact set, in hex."""
    parts = [(row.relationship, row.children, row.hash) for row in rows]
    return sha256(orjson.dumps((tenant, asdict(request), revision, parts), option=orjson.OPT_SORT_KEYS)).hexdigest()


async def at_survivors(at: Snapshot, catalog: Catalog, request: PlanRequest) -> PlanRequest:
    """The request with the keys of the entities that its own keys stand for."""
    if not at.merges:
        return request
    kind = request.entity_kind if request.relationship is None else catalog.relationship(request.relationship).parent
    keys = [key for key in (request.key, request.parent, request.to) if key is not None]
    found = await survivors_of(at.conn, at.tenant, [(kind or "", key) for key in keys])

    def survivor(key: str | None) -> str | None:
        return None if key is None else found.get((kind or "", key), key)

    return replace(request, key=survivor(request.key), parent=survivor(request.parent), to=survivor(request.to))
