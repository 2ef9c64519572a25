"""Folds entities again whose facts are read otherwise than when the tables were folded: by another upcaster.

The ledger keeps facts as they were published, so a version, an upcaster, or another one, may be declared when facts of
older versions are in the ledger already. Then the tables have to become what they would be if it had been there first.
A normal form of keys is not folded again: it may be declared where all keys have it already, and is refused elsewhere.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from catalog.catalog import Catalog
from errors import BadDeclaration, Unacceptable
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import execute, fetch_rows
from store.write import normal_keys, refold
from store.write.diff import Diff
from store.write.entity_state import EntityOfAnySize, FoldedEntity, find_entities
from store.write.ledger import facts_of_entities
from store.write.redeclared import Refolded, add_refolded
from store.write.settle import write_difference
from store.write.tenant_lock import lock

_PAGE = 1_000
"""Entities that are looked at at a time; those of them with such facts are folded in one transaction."""


class _StoredMeaning(NamedTuple):
    """By what facts are read. ``folded``: whether all that was recorded before it has been folded again."""

    name: str
    meaning: str
    folded: bool


class _TenantToRead(NamedTuple):
    tenant: str


class _KeyWithFacts(NamedTuple):
    key: str
    concerned: bool


async def fold_reread(conn: Connection, catalog: Catalog) -> list[Refolded]:
    """Folds the entities with facts that are read otherwise now, and records by what they are read.

    Returns what was done for each tenant. Each page is a transaction: when it was interrupted, the next call does the
    rest. Processes with the former declarations write until the new ones are recorded, and are refused from then on; so
    all is folded twice, the second time with what came meanwhile. Raises BadDeclaration, before anything is changed, if
    an upcaster cannot read a fact that is in the ledger, or keys do not have the form that is declared for them.
    """
    rows = await fetch_rows(conn, _StoredMeaning, "declared_meanings")
    stored = {row.name: row.meaning for row in rows}
    changed = catalog.reread(stored)
    left = {row.name for row in rows if not row.folded}
    if not changed and not left:
        return []
    await normal_keys.check(conn, catalog, {name for name in changed if name.startswith("key ")}, stored)
    found: dict[str, Refolded] = {}
    types = _types(catalog, changed)
    if types:
        await _each_page(conn, catalog, types, found, fold=False)
        await _each_page(conn, catalog, types, found)
    names = sorted(changed)
    meanings = [catalog.meanings.get(name, "") for name in names]
    await execute(conn, "store_meanings", names=names, meanings=meanings)
    again = types | _types(catalog, left)
    if again:
        await _each_page(conn, catalog, again, found)
    await execute(conn, "end_reading")
    return [done for done in found.values() if done.entities]


def _types(catalog: Catalog, names: Collection[str]) -> set[str]:
    found = {name.removeprefix("upcast ") for name in names if name.startswith("upcast ")}
    return found & catalog.contracts.by_type.keys()


async def _each_page(
    conn: Connection, catalog: Catalog, types: Collection[str], found: dict[str, Refolded], *, fold: bool = True
) -> None:
    """Folds all entities with facts of these types again, or only reads their facts. ``found``: what was done for each
    tenant, to which this is added."""
    kinds: dict[str, list[str]] = {}
    for type in types:
        kinds.setdefault(catalog.contracts.by_type[type].kind, []).append(type)
    for row in await fetch_rows(conn, _TenantToRead, "tenants"):
        done = found.setdefault(row.tenant, Refolded(row.tenant))
        for kind, of_kind in sorted(kinds.items()):
            after, where = "", {"tenant": row.tenant, "kind": kind, "types": of_kind, "size": _PAGE}
            while keys := await fetch_rows(conn, _KeyWithFacts, "entities_with_facts", **where, after=after):
                page = [(kind, one.key) for one in keys if one.concerned]
                if page and fold:
                    async with conn.transaction():
                        await _fold_page(conn, catalog, page, done)
                elif page:
                    await _check_page(conn, catalog, row.tenant, page)
                after = keys[-1].key


async def _check_page(conn: Connection, catalog: Catalog, tenant: str, page: Collection[tuple[str, str]]) -> None:
    try:
        await facts_of_entities(conn, catalog, tenant, page)
    except Unacceptable as error:
        raise BadDeclaration(
            "contracts",
            f"a fact in the ledger of tenant {tenant} {error.reason}",
            "Let the upcaster read it: all that its version allows was accepted. Nothing was changed.",
        ) from error


async def _fold_page(conn: Connection, catalog: Catalog, page: Collection[tuple[str, str]], done: Refolded) -> None:
    locked = await lock(conn, done.tenant)
    ledger = await facts_of_entities(conn, catalog, done.tenant, page)
    diff, histories = Diff(), dict[tuple[str, str], Sequence[Entry]]()
    for entity in await find_entities(conn, done.tenant, page):
        facts = refold.counting(ledger[entity.kind, entity.key])
        if _differs(entity, EntityOfAnySize(entity.kind, entity.key, stored=True).folded_again(facts)):
            add_refolded(diff, catalog, entity, facts, locked.revision, "reread")
            histories[entity.kind, entity.key] = facts
            done.entities += 1
    if diff.versions or diff.touched:
        await write_difference(conn, catalog, done.tenant, locked, diff, "declaration", histories)
        done.changed += [(entity.kind, entity.key) for entity in diff.versions]


def _differs(entity: FoldedEntity, again: FoldedEntity) -> bool:
    """Whether an entity has other fields by its facts, or another fact has set one of them."""
    return (entity.data, entity.older, entity.latest, entity.refs) != (
        again.data,
        again.older,
        again.latest,
        again.refs,
    )
