"""The activity of each entity, from the set of all accepted facts: a multiset that nothing but a void takes from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import as_key
from model.facts import VOIDED, FactId, ModelFact
from model.versions import normal_key


class ModelActivity(NamedTuple):
    """One fact of activity. ``kind``, ``key``: of the entity that it is about, as its owner stated it."""

    kind: str
    key: str
    happened: int
    """Nanoseconds since 1970."""
    arrival: int
    """The position of its fact in the ledger."""
    feed: str
    type: str
    source: str
    id: str


def activity(
    catalog: Catalog, facts: Iterable[ModelFact], received: Mapping[FactId, int] | None = None
) -> set[ModelActivity]:
    """Returns the activity of all entities. Its source and id make each one different from all others.

    ``facts``: accepted ones, in any order, each any number of times; those without effect on activity are skipped.
    ``received``: when each arrived that states no time, in nanoseconds since 1970.
    """
    found: dict[FactId, ModelActivity] = {}
    voided: set[FactId] = set()
    for fact in facts:
        if fact.type == VOIDED:
            voided.add(FactId(fact.data["source"], fact.data["id"]))
        contract = catalog.contracts.activity.get(fact.type)
        first = found.get(fact.identity)
        if contract is None or contract.about is None or (first is not None and first.arrival <= fact.arrival):
            continue
        kind, field = contract.about
        key = as_key(fact.data[field])
        assert key is not None
        key = normal_key(catalog.contracts.key_forms.get(kind), key)
        happened = (received or {})[fact.identity] if fact.time is None else fact.time
        found[fact.identity] = ModelActivity(
            kind, key, happened, fact.arrival, fact.kind, fact.type, fact.source, fact.id
        )
    return {one for identity, one in found.items() if identity not in voided}


def feed(found: Iterable[ModelActivity], kind: str, keys: Collection[str]) -> list[ModelActivity]:
    """Returns what happened to the entity with these keys, in the order in which it happened."""
    return sorted(
        (one for one in found if one.kind == kind and one.key in keys), key=lambda one: (one.happened, one.arrival)
    )
