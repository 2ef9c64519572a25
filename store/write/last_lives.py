"""The last lives of merged records that their owners have deleted since: they still contribute to their survivor."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.vocabulary import Effect
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import OPEN
from store.write.diff import EntityKey
from store.write.entity_state import FoldedEntity
from store.write.ledger import facts_of_entities
from store.write.refold import counting, order_keys


class LastLife(NamedTuple):
    """The newest life of a deleted entity. ``record``: folded from the ``facts`` of that life, as if it had not ended;
    its newest deletion is the one before that life. ``later``: the facts after its end."""

    record: FoldedEntity
    facts: list[Entry]
    later: list[Entry]


async def last_lives(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    retired: Collection[EntityKey],
    new: Iterable[Entry] = (),
    revision: int = OPEN,
) -> dict[EntityKey, FoldedEntity]:
    """Folds each of these deleted entities from the facts of its last life, as if it had not ended. Its newest deletion
    is then the one before that life.

    ``new``: facts that are not in the ledger yet; ``revision``: those of the ledger up to it count.
    """
    lives = await lives_of_deleted(conn, catalog, tenant, retired, new, revision)
    return {at: life.record for at, life in lives.items()}


async def lives_of_deleted(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    deleted: Collection[EntityKey],
    new: Iterable[Entry] = (),
    revision: int = OPEN,
) -> dict[EntityKey, LastLife]:
    """The last life of each of these deleted entities. The parameters are those of `last_lives`."""
    if not deleted:
        return {}
    recorded = await facts_of_entities(conn, catalog, tenant, deleted, revision)
    for fact in new:
        if (at := (fact.kind, fact.key)) in recorded:
            recorded[at].append(fact)
    return {at: last_life(catalog, *at, facts) for at, facts in recorded.items()}


def last_life(catalog: Catalog, kind: str, key: str, facts: list[Entry]) -> LastLife:
    """Folds an entity from the facts of its newest life, without the deletion that ended it.

    ``facts``: all facts about it, in any order. What came after that deletion belongs to no life.
    """
    facts = counting(facts)
    orders = order_keys(catalog.restarting, facts)
    facts = [fact._replace(order=order) for fact, order in zip(facts, orders, strict=True)]
    created = max((f.order for f in facts if f.effect is Effect.CREATED), default=b"")
    deletions = [f.order for f in facts if f.effect is Effect.DELETED]
    begun = max((order for order in deletions if order < created), default=b"")
    ended = min((order for order in deletions if order > created), default=None)
    entity = FoldedEntity(kind, key)
    of_life = [fact for fact in facts if begun < fact.order and (ended is None or fact.order < ended)]
    for fact in of_life:
        entity.join(fact)
    entity.ended = begun
    return LastLife(entity, of_life, [fact for fact in facts if ended is not None and fact.order > ended])
