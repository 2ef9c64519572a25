"""Backfills relationships that are declared over facts that are in the ledger already.

What the links of a relationship depend on (kinds, ``via``, cardinality) may not change under its name, since its links
were written by it. Deadlines, announcements and the like may.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import orjson

from catalog import limits
from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import KEEP, Relationship, as_key
from catalog.vocabulary import Effect
from errors import BadDeclaration
from facts import own_facts
from facts.correlation import decode
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import execute, fetch_rows
from store.write.diff import ClosedLink, Diff, OpenedLink, StateChange
from store.write.entity_state import FoldedEntity, FoldedReference, StoredEntity, find_entities
from store.write.ledger import facts_of_entities
from store.write.settle import write_difference
from store.write.tenant_lock import lock

_PAGE = 1_000


class _Definition(NamedTuple):
    """What the tables hold of a relationship: ``body``, see `_body`; ``policy``: the name of ``on_parent_deleted``."""

    relationship: str
    body: dict[str, Any]
    policy: str


class _Tenant(NamedTuple):
    tenant: str


class _Parent(NamedTuple):
    parent: str


class _KeyOfFacts(NamedTuple):
    key: str


class _LinkedChild(NamedTuple):
    child: str
    parent: str


class _CorrelatedFact(NamedTuple):
    type: str
    key: str
    correlation: str
    order_key: bytes


async def backfill(conn: Connection, catalog: Catalog) -> list[str]:
    """Writes the links of relationships that are new; returns the names of those.

    Where a relationship has a new policy for the children of deleted parents, cascades begin for the parents that are
    deleted already. Raises BadDeclaration if a known relationship has changed in a way that its links depend on.
    """
    definitions = {d.relationship: d for d in await fetch_rows(conn, _Definition, "definitions")}
    new = []
    for name, relationship in catalog.relationships.items():
        known, body = definitions.get(name), _body(relationship)
        if known is None:
            for row in await fetch_rows(conn, _Tenant, "tenants"):
                await _link_known_facts(conn, catalog, row.tenant, relationship)
            await execute(conn, "add_definition", relationship=name, body=orjson.dumps(body).decode())
            new.append(name)
        elif known.body != body:
            raise BadDeclaration(
                f"relationships: {name}",
                f"was declared as {orjson.dumps(known.body).decode()}, is now {orjson.dumps(body).decode()}",
                "Give the changed relationship another name.",
            )
        policy = relationship.on_parent_deleted.name
        if (KEEP.name if known is None else known.policy) != policy:
            for row in await fetch_rows(conn, _Tenant, "tenants"):
                await _begin_cascades(conn, row.tenant, relationship)
            await execute(conn, "set_policy", relationship=name, policy=policy)
    return new


def _body(relationship: Relationship) -> dict[str, Any]:
    """What the links of a relationship depend on."""
    return {
        "parent": relationship.parent,
        "child": relationship.child,
        "via": _via(relationship),
        "cardinality": relationship.cardinality.value,
    }


def _via(relationship: Relationship) -> str:
    if relationship.list_field is not None:
        return f"each {relationship.list_field} of the {relationship.listing_side}"
    return relationship.field or "requested"


async def _begin_cascades(conn: Connection, tenant: str, relationship: Relationship) -> None:
    """Begins cascades for the parents that are deleted already, if the policy deletes or detaches their children."""
    if relationship.sweep is None:
        return
    kind, after = relationship.parent, ""
    while rows := await fetch_rows(
        conn, _Parent, "deleted_parents", tenant=tenant, kind=kind, after=after, inclusive=False, size=_PAGE
    ):
        keys = [row.parent for row in rows]
        async with conn.transaction():
            locked = await lock(conn, tenant)
            await execute(
                conn,
                "notify_cascades",
                tenant=tenant,
                revision=locked.revision,
                now=locked.now,
                kinds=[kind] * len(keys),
                keys=keys,
                sources=[OWN_SOURCE] * len(keys),
                ids=[f"{relationship.name}/policy"] * len(keys),
                facts=["PolicyChanged"] * len(keys),
                events=["children_to_delete"] * len(keys),
                deleted=[True] * len(keys),
                relationships=[relationship.name],
                parent_kinds=[kind],
            )
        after = keys[-1]


async def _link_known_facts(conn: Connection, catalog: Catalog, tenant: str, relationship: Relationship) -> None:
    """Links page by page, each under a revision of its own, so that a backfill that was interrupted can be repeated."""
    cause = own_facts.entry(
        "RelationshipDeclared",
        relationship.child,
        relationship.name,
        _body(relationship),
        id=relationship.name,
    )
    if relationship.many:
        await _link_lists(conn, catalog, tenant, relationship)
        return
    async for children in _pages(conn, tenant, relationship.child):
        async with conn.transaction():
            await _link_children(conn, catalog, tenant, relationship, [r.key for r in children], cause)
    if relationship.requested is None:
        return
    # Only this relationship: for the others nothing about these parents has changed.
    alone = Catalog(catalog.contracts, {relationship.name: relationship})
    async for parents in _pages(conn, tenant, relationship.parent):
        async with conn.transaction():
            changes = [StateChange(parent, False, cause) for parent in parents if parent.state == "live"]
            await _write(conn, alone, tenant, Diff(state_changes=changes))


async def _link_lists(conn: Connection, catalog: Catalog, tenant: str, relationship: Relationship) -> None:
    """Links what lists name, page by page of the keys that facts of their kind are about: facts that add or remove one
    element may be about an entity of which nothing else is known."""
    kind, after = relationship.listing_kind, ""
    while rows := await fetch_rows(
        conn, _KeyOfFacts, "keys_of_facts", tenant=tenant, kind=kind, after=after, size=_PAGE
    ):
        page = [(kind, row.key) for row in rows]
        async with conn.transaction():
            locked = await lock(conn, tenant)
            histories = await facts_of_entities(conn, catalog, tenant, page)
            await write_difference(conn, catalog, tenant, locked, Diff(), "declaration", histories)
        after = rows[-1].key


async def _link_children(
    conn: Connection, catalog: Catalog, tenant: str, relationship: Relationship, keys: list[str], cause: Entry
) -> None:
    """Links the children with these keys. ``cause``: the fact that the links are said to follow from."""
    await lock(conn, tenant)
    entities = await find_entities(conn, tenant, [(relationship.child, key) for key in keys])
    if relationship.requested is not None:
        await _add_references(conn, catalog, tenant, relationship, {e.key: e for e in entities})
    names = [relationship.name] * len(keys)
    rows = await fetch_rows(conn, _LinkedChild, "linked_children", tenant=tenant, relationships=names, children=keys)
    linked = {row.child: row.parent for row in rows}
    diff = Diff(touched=entities if relationship.requested is not None else [])
    for entity in entities:
        old, parent = linked.get(entity.key), entity.parent(relationship)
        if old == parent:
            continue
        if old is not None:  # linked meanwhile by a process that had not read the correlation ids of older facts
            diff.closed.append(ClosedLink(relationship, entity.key, old, cause))
        if parent is not None and _may_link(entity.key, parent):
            rank, created = entity.rank(relationship), entity.parent_created(relationship)
            diff.opened.append(OpenedLink(relationship, entity.key, parent, rank, cause, created))
    await _write(conn, catalog, tenant, diff)


def _may_link(child: str, parent: str) -> bool:
    """Whether both keys are within the limit for new facts. Earlier versions took longer ones, of which two may not fit
    into one entry of an index: a single such link would keep the whole backfill from ending."""
    return limits.size(child) <= limits.KEY and limits.size(parent) <= limits.KEY


async def _add_references(
    conn: Connection, catalog: Catalog, tenant: str, relationship: Relationship, entities: Mapping[str, FoldedEntity]
) -> None:
    """Adds the references that correlation ids of known facts make to entities, by their keys.

    When those facts were recorded, the relationship of the correlation id was not declared.
    """
    kinds = [relationship.child] * len(entities)
    rows = await fetch_rows(conn, _CorrelatedFact, "correlated_facts", tenant=tenant, kinds=kinds, keys=list(entities))
    for row in rows:
        contract, named = catalog.contracts.by_type.get(row.type), decode(row.correlation)
        if contract is None or contract.effect is not Effect.CREATED or named is None:
            continue
        if named[0] != relationship.name or as_key(named[1]) is None:
            continue
        entity = entities[row.key]
        known = entity.refs.get(relationship.name, FoldedReference()).order
        if row.order_key > max(entity.ended, known):
            reference = FoldedReference(row.order_key, named.parent, named.created)
            entity.refs = {**entity.refs, relationship.name: reference}


async def _write(conn: Connection, catalog: Catalog, tenant: str, diff: Diff) -> None:
    await write_difference(conn, catalog, tenant, await lock(conn, tenant), diff, "declaration")


async def _pages(conn: Connection, tenant: str, kind: str) -> AsyncIterator[list[FoldedEntity]]:
    """All current entities of a kind, page by page, by key."""
    after = ""
    while rows := await fetch_rows(
        conn, StoredEntity, "entities_of_kind", tenant=tenant, kind=kind, after=after, size=_PAGE
    ):
        yield [FoldedEntity.of_row(row) for row in rows]
        after = rows[-1].key
