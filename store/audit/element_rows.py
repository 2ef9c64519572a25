"""Compares what is stored of single elements of lists with the newest facts about them."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, TypeAlias

from catalog.catalog import Catalog
from facts.order_key import position
from model.facts import VOIDED, FactId, ModelFact
from model.lists import ModelElement, element_fact
from model.restarts import numbered
from store.audit.fingerprint import FETCH_SIZE, TIMEOUT
from store.db.pool import Connection
from store.db.sql import bind

_At: TypeAlias = tuple[str, str, str]
"""(relationship, key of the entity that has the list, element)."""


class _ElementFactRow(NamedTuple):
    """A row of ``verify_element_facts``."""

    relationship: str
    key: str
    element: str
    order_key: bytes
    added: bool


async def differences(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    facts: Sequence[ModelFact],
    concerns: Callable[[str, str], bool],
) -> AsyncIterator[str]:
    """Describes each single element whose row is not that of the newest fact about it. Needs a transaction.

    ``concerns``: whether the list of the entity of a kind and key is compared; ``facts``: all about those entities.
    """
    if not catalog.listing:
        return
    left = _newest(catalog, facts, concerns)
    query = bind("verify_element_facts", tenant=tenant)
    async for record in conn.cursor(*query, prefetch=FETCH_SIZE, timeout=TIMEOUT):
        row = _ElementFactRow(*record)
        relationship = catalog.relationships.get(row.relationship)
        if relationship is None or not concerns(relationship.listing_kind, row.key):
            continue
        newest = left.pop((row.relationship, row.key, row.element), None)
        name = f"{row.relationship} of {row.key!r}, the element {row.element!r}"
        if newest is None:
            yield f"{name}: no fact is about it alone"
        elif (position(row.order_key), row.added) != (newest.fact.arrival, newest.adds):
            yield f"{name}: the row is not of the newest fact about it, {newest.fact.id}"
    for relationship_name, key, element in left:
        yield f"{relationship_name} of {key!r}, the element {element!r}: the row of the facts about it is missing"


def _newest(
    catalog: Catalog, facts: Sequence[ModelFact], concerns: Callable[[str, str], bool]
) -> dict[_At, ModelElement]:
    voided = {FactId(fact.data["source"], fact.data["id"]) for fact in facts if fact.type == VOIDED}
    of_entity: dict[tuple[str, str], list[ModelFact]] = {}
    for fact in facts:
        if fact.kind in catalog.listing and fact.identity not in voided and concerns(fact.kind, fact.key):
            of_entity.setdefault((fact.kind, fact.key), []).append(fact)
    found: dict[_At, ModelElement] = {}
    for (kind, key), of_one in of_entity.items():
        for fact in numbered(of_one) if kind in catalog.restarting else of_one:
            for relationship in catalog.listing[kind] if fact.effect is None else ():
                one = element_fact(catalog, relationship, fact)
                at = relationship.name, key, "" if one is None else one.element
                if one is not None and (at not in found or found[at].fact.order < fact.order):
                    found[at] = one
    return found
