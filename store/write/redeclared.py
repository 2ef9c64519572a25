"""Folds entities again whose owner has changed its declaration of what a restart of its sequences means.

The declaration decides the order keys of facts about keys that were deleted, and so the state. It may be deployed when
such facts are in the ledger already: then the tables have to become what they would be if it had been there first.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from catalog.catalog import Catalog
from facts import own_facts
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import execute, fetch_rows
from store.write import refold
from store.write.arrivals import FactKey
from store.write.diff import Diff, EntityBefore, EntityKey, add_differences
from store.write.entity_state import EntityOfAnySize, FoldedEntity, find_entities
from store.write.ledger import facts_of_entities
from store.write.refold import Renumbered
from store.write.settle import write_difference
from store.write.tenant_lock import lock

_PAGE = 1_000
"""Entities that are read at a time, and those of them that were ever deleted are folded in one transaction."""


class _Kind(NamedTuple):
    kind: str


class _TenantToFold(NamedTuple):
    tenant: str


class _KeyOfKind(NamedTuple):
    key: str
    ended: bool


@dataclass
class Refolded:
    """What was done for one tenant. ``entities``: how many were folded again, since their facts have another order;
    ``changed``: those that have another state or other fields than before."""

    tenant: str
    entities: int = 0
    changed: list[EntityKey] = field(default_factory=list)


async def fold_redeclared(conn: Connection, catalog: Catalog) -> list[Refolded]:
    """Folds the entities of kinds whose declaration is not the one that the tables were folded by, and records it.

    Returns what was done for each tenant where the order of facts has changed. Each page is a transaction: when it was
    interrupted, the next call does the rest.

    Processes with the former declaration write until the new one is recorded; from then on `refold.check_declared`
    refuses what they write, and those with the new one may write. So all is folded twice, the second time with what
    came meanwhile.
    """
    folded, left = await _kinds(conn, "restarting_kinds"), await _kinds(conn, "kinds_to_fold")
    found: dict[str, Refolded] = {}
    kinds = catalog.redeclared(folded)
    if kinds:
        await _fold_kinds(conn, catalog, kinds, found)
        again = kinds & catalog.restarting
        await execute(conn, "store_restarting_kinds", **{"with": sorted(again), "without": sorted(kinds - again)})
    if kinds or left:
        await _fold_kinds(conn, catalog, kinds | (left & catalog.contracts.owner_of.keys()), found)
        await execute(conn, "end_fold")
    return [done for done in found.values() if done.entities]


async def _kinds(conn: Connection, query: str) -> set[str]:
    return {row.kind for row in await fetch_rows(conn, _Kind, query)}


async def _fold_kinds(conn: Connection, catalog: Catalog, kinds: set[str], found: dict[str, Refolded]) -> None:
    """Folds all entities of these kinds again. ``found``: what was done for each tenant, to which this is added."""
    for row in await fetch_rows(conn, _TenantToFold, "tenants"):
        done = found.setdefault(row.tenant, Refolded(row.tenant))
        for kind in sorted(kinds):
            await _fold_kind(conn, catalog, kind, done)


async def _fold_kind(conn: Connection, catalog: Catalog, kind: str, done: Refolded) -> None:
    """Folds a tenant's entities of a kind that were ever deleted: without a deletion nothing restarts."""
    after = ""
    while rows := await fetch_rows(
        conn, _KeyOfKind, "ends_of_kind", tenant=done.tenant, kind=kind, after=after, size=_PAGE
    ):
        page = [(kind, row.key) for row in rows if row.ended]
        if page:
            async with conn.transaction():
                await _fold_page(conn, catalog, page, done)
        after = rows[-1].key


async def _fold_page(conn: Connection, catalog: Catalog, page: Collection[EntityKey], done: Refolded) -> None:
    tenant = done.tenant
    locked = await lock(conn, tenant)
    ledger = await facts_of_entities(conn, catalog, tenant, page)
    diff, histories = Diff(), dict[EntityKey, Sequence[Entry]]()
    renumbered: dict[FactKey, Renumbered] = {}
    for entity in await find_entities(conn, tenant, page):
        recorded = refold.counting(ledger[entity.kind, entity.key])
        orders = refold.order_keys(catalog.restarting, recorded)
        facts = [e._replace(order=order) for e, order in zip(recorded, orders, strict=True)]
        new = [(old, e) for old, e in zip(recorded, facts, strict=True) if old.order != e.order]
        if new:
            renumbered |= {(e.source, e.id): Renumbered(e.kind, e.key, old.order, e.order) for old, e in new}
            add_refolded(diff, catalog, entity, facts, locked.revision, "redeclared")
            histories[entity.kind, entity.key] = facts
            done.entities += 1
    if not renumbered:
        return
    await refold.renumber(conn, tenant, renumbered)
    await refold.renumber_operations(conn, catalog, tenant, renumbered.values())
    await write_difference(conn, catalog, tenant, locked, diff, "declaration", histories)
    done.changed += [(entity.kind, entity.key) for entity in diff.versions]


def add_refolded(
    diff: Diff, catalog: Catalog, entity: FoldedEntity, facts: Sequence[Entry], revision: int, why: str
) -> None:
    """Adds what differs between an entity and its facts as they are ordered and read now. ``revision``: the current
    one; ``why``: for the id of the fact that the differences are said to follow from."""
    kind, key = entity.kind, entity.key
    references = catalog.references.get(kind, ())
    before = EntityBefore.of(entity, references)
    # The same facts have other order keys now: by the old ones each would seem to be another creation or deletion.
    life = before.life.renumbered(facts)
    refolded = EntityOfAnySize(kind, key, stored=True).folded_again(facts)
    cause = own_facts.entry(
        "FactsReordered", kind, key, {}, id=own_facts.derived_id(why, kind, key, revision)
    )  # fmt: skip
    add_differences(diff, references, before._replace(life=life), refolded, cause)
