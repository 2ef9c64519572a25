"""Rewrites the order keys of facts that were recorded when the order of facts had another definition.

Earlier versions decided by id between facts that their owner does not order; now effect and arrival decide. An entity
whose facts have the same order as before keeps its state, and its order keys are replaced in place. The others are
folded again, and what differs becomes one new revision of the tenant.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from facts import own_facts
from facts.order_key import without_position
from store.db.pool import Connection
from store.db.sql import bind, execute, fetch_rows
from store.write.diff import Diff, EntityBefore, EntityKey, add_differences
from store.write.entity_state import UNRANKED, EntityOfAnySize, find_entities
from store.write.ledger import LedgerFact, facts_of_entities, new_order_key
from store.write.lives import FIRST, LifeBefore, named_by
from store.write.refold import counting
from store.write.reorder_references import reorder_references
from store.write.settle import write_difference
from store.write.tenant_lock import lock

_PAGE = 2_000
"""Facts that are rewritten at a time, and those of the last entity besides."""


Renamed = dict[tuple[str, str, bytes], bytes]
"""(kind, key, old order key) → new order key."""


class _FormerTenant(NamedTuple):
    tenant: str


@dataclass
class Reordered:
    """What was done for one tenant. ``changed``: entities that have another state or other fields than before."""

    tenant: str
    facts: int = 0
    refolded: int = 0
    changed: list[EntityKey] = field(default_factory=list)


async def reorder(conn: Connection, catalog: Catalog) -> list[Reordered]:
    """Rewrites what is left to rewrite, tenant by tenant, each in a transaction. Returns what was done."""
    done = []
    for row in await fetch_rows(conn, _FormerTenant, "tenants_to_reorder"):
        async with conn.transaction():
            done.append(await _Rewriting(conn, catalog, row.tenant).rewrite())
    return done


@dataclass
class _Rewriting:
    """The rewriting of one tenant, within a transaction."""

    conn: Connection
    catalog: Catalog
    tenant: str
    before: dict[EntityKey, EntityBefore] = field(default_factory=dict)
    """What was known of the entities whose facts have another order now."""

    async def rewrite(self) -> Reordered:
        locked = await lock(self.conn, self.tenant)
        result = Reordered(self.tenant)
        await reorder_references(self.conn, self.catalog, self.tenant)
        async for page in self._pages():
            await self._rewrite_page(page)
            result.facts += len(page)
        await execute(self.conn, "name_first_lives", tenant=self.tenant, name=FIRST)
        diff = await self._fold_again()
        result.refolded, result.changed = len(self.before), sorted((e.kind, e.key) for e in diff.versions)
        await write_difference(self.conn, self.catalog, self.tenant, locked, diff, "migration")
        await execute(self.conn, "finish_reordering", tenant=self.tenant)
        return result

    async def _pages(self) -> AsyncIterator[list[LedgerFact]]:
        """All facts, in pages that hold whole entities."""
        page: list[LedgerFact] = []
        async for record in self.conn.cursor(*bind("facts_to_reorder", tenant=self.tenant), prefetch=_PAGE):
            fact = LedgerFact(*record)
            if len(page) >= _PAGE and (fact.kind, fact.key) != (page[-1].kind, page[-1].key):
                yield page
                page = []
            page.append(fact)
        if page:
            yield page

    async def _rewrite_page(self, page: Sequence[LedgerFact]) -> None:
        new = [new_order_key(self.catalog, fact) for fact in page]
        renamed = {(f.kind, f.key, f.order_key): key for f, key in zip(page, new, strict=True)}
        await self._note_reordered(renamed)
        await self._rewrite_registers(page, renamed)
        at: dict[str, Any] = {
            "tenant": self.tenant,
            "kinds": [fact.kind for fact in page],
            "keys": [fact.key for fact in page],
            "old": [fact.order_key for fact in page],
            "new": new,
        }
        await execute(self.conn, "reorder_latest", **at)
        await execute(self.conn, "reorder_created", **at)
        await execute(self.conn, "reorder_ended", **at, names=[named_by(fact.order_key) for fact in page])
        exclusive = [r for r in self.catalog.relationships.values() if r.exclusive]
        await execute(
            self.conn,
            "reorder_ranks",
            **{**at, "new": [without_position(key) for key in new]},
            relationships=[r.name for r in exclusive],
            child_kinds=[r.child for r in exclusive],
        )
        sources, ids = [fact.source for fact in page], [fact.id for fact in page]
        await execute(self.conn, "reorder_facts", tenant=self.tenant, sources=sources, ids=ids, new=new)

    async def _note_reordered(self, renamed: Renamed) -> None:
        """Notes what is known of the entities whose facts change their order, before anything is rewritten."""
        of_entity: dict[EntityKey, list[tuple[bytes, bytes]]] = {}
        for (kind, key, old), new in renamed.items():
            of_entity.setdefault((kind, key), []).append((old, new))
        moved = {at for at, pairs in of_entity.items() if sorted(pairs) != sorted(pairs, key=lambda pair: pair[1])}
        for entity in await find_entities(self.conn, self.tenant, moved):
            at = entity.kind, entity.key
            before = EntityBefore.of(entity, self.catalog.references.get(entity.kind, ()))
            latest, created, ended = (renamed.get((*at, o), o) for o in (entity.latest, entity.created, entity.ended))
            name = named_by(entity.ended) if entity.latest else ""
            self.before[at] = before._replace(
                life=LifeBefore(before.state, latest, created, ended, name),
                links=[
                    (key, None if rank is None else without_position(created) or UNRANKED, of)
                    for key, rank, of in before.links
                ],
            )

    async def _rewrite_registers(self, page: Sequence[LedgerFact], renamed: Renamed) -> None:
        """Replaces the order keys of single fields and references."""
        found = await find_entities(self.conn, self.tenant, {(fact.kind, fact.key) for fact in page})
        rows = [entity for entity in found if entity.older or entity.refs]
        for entity in rows:
            at = entity.kind, entity.key
            entity.older = {n: renamed.get((*at, order), order) for n, order in entity.older.items()}
            entity.refs = {n: r._replace(order=renamed.get((*at, r.order), r.order)) for n, r in entity.refs.items()}
        if rows:
            await execute(
                self.conn,
                "reorder_registers",
                tenant=self.tenant,
                kinds=[entity.kind for entity in rows],
                keys=[entity.key for entity in rows],
                older=[entity.older_json() for entity in rows],
                refs=[entity.refs_json() for entity in rows],
            )

    async def _fold_again(self) -> Diff:
        """Folds the entities whose facts have another order now; returns what differs from before."""
        diff = Diff()
        facts = await facts_of_entities(self.conn, self.catalog, self.tenant, self.before)
        for (kind, key), before in self.before.items():
            entity = EntityOfAnySize(kind, key, stored=True).folded_again(counting(facts[kind, key]))
            cause = own_facts.entry("FactsReordered", kind, key, {}, id=own_facts.derived_id("reordered", kind, key))
            add_differences(diff, self.catalog.references.get(kind, ()), before, entity, cause)
        return diff
