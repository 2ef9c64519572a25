"""Reads facts from CloudEvents, in the form that the model folds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE, Contract
from catalog.vocabulary import Effect
from errors import Malformed, Unknown
from facts.json_numbers import plain
from model.instants import nanoseconds
from model.order import Order, order
from model.versions import newest_data, normal_key

LINKED = "Linked.v1"
"""Tether's own fact: the child is linked explicitly to ``data.parent`` in ``data.relationship``. Many to many, it is
about the side that lists the other, as is the next but one, and names both."""
VOIDED = "FactVoided.v1"
"""Tether's own fact: that of the id ``data.id`` and the source ``data.source`` counts for nothing."""
UNLINKED = "Unlinked.v1"
"""Tether's own fact: the child is unlinked explicitly in ``data.relationship``."""


class FactId(NamedTuple):
    """The identity of a fact within a tenant: two deliveries with the same one are the same fact."""

    source: str
    id: str


class ModelFact(NamedTuple):
    """One accepted fact about one entity."""

    source: str
    id: str
    type: str
    """The wire type, ``GroupCreated.v1``."""
    kind: str
    """The kind of the entity; of an explicit link, the kind of the child, or many to many of the side that lists; of
    Tether's own fact about identity, the kind in its data; empty if the fact is about no entity."""
    key: str
    effect: Effect | None
    """None: the fact is Tether's own, about identity, or about one key of a list; it says nothing about the state of
    the entity."""
    sequence: str | None
    time: int | None
    """Nanoseconds since 1970 UTC."""
    data: Mapping[str, Any]
    """The fields as published, without defaults, in the words of the newest version of its type."""
    correlation: str | None
    arrival: int = 0
    """Its position in the ledger; 0: not recorded yet."""
    restarts: int = 0
    """How often the sequence of its entity had begun again before it."""

    @property
    def identity(self) -> FactId:
        """Its identity in the ledger."""
        return FactId(self.source, self.id)

    @property
    def order(self) -> Order:
        """Its position among the facts of its entity."""
        return order(self.sequence, self.time, self.effect, self.arrival, self.source, self.id, self.restarts)


def read(catalog: Catalog, event: Mapping[str, Any], arrival: int = 0) -> ModelFact:
    """Returns the fact in a structured CloudEvent, published by an owner or by Tether.

    ``arrival``: its position in the ledger; 0 if it is not recorded. Raises Unknown if its type or relationship is not
    declared, Malformed if it has no key.
    """
    if event["source"] == OWN_SOURCE:
        return _own_fact(catalog, event, arrival)
    contract = catalog.contracts.by_type.get(event["type"])
    if contract is None:
        raise Unknown(f"no contract {event['type']!r}; declare it in contracts/, then fold again")
    fact = owner_fact(contract, event, arrival)
    return fact._replace(
        key=normal_key(catalog.contracts.key_forms.get(fact.kind), fact.key),
        data=newest_data(catalog, fact.type, fact.effect, fact.data),
    )


def owner_fact(contract: Contract, event: Mapping[str, Any], arrival: int = 0) -> ModelFact:
    """Returns the fact that an owner published under this contract, as `read` does, in the words of its own version."""
    return _fact(event, contract.kind, _key(contract, event), contract.effect, arrival)


def _own_fact(catalog: Catalog, event: Mapping[str, Any], arrival: int) -> ModelFact:
    data = event["data"]
    kind = data.get("kind", "")
    if event["type"] in (LINKED, UNLINKED):
        kind = catalog.relationship(data["relationship"]).listing_kind
    return _fact(event, kind, event.get("subject") or "", None, arrival)


def _fact(event: Mapping[str, Any], kind: str, key: str, effect: Effect | None, arrival: int) -> ModelFact:
    time = event.get("time")
    return ModelFact(
        source=event["source"],
        id=event["id"],
        type=event["type"],
        kind=kind,
        key=key,
        effect=effect,
        sequence=event.get("sequence"),
        time=None if time is None else nanoseconds(time),
        data=plain(event.get("data") or {}),
        correlation=event.get("correlationid"),
        arrival=arrival,
    )


def _key(contract: Contract, event: Mapping[str, Any]) -> str:
    subject = event.get("subject")
    declared = (event.get("data") or {}).get(contract.key_field) if contract.key_field else None
    if isinstance(declared, int) and not isinstance(declared, bool):
        declared = str(declared)
    key = subject or declared
    if not isinstance(key, str) or not key:
        raise Malformed("subject", f"{event['type']} {event['id']} has no key of a {contract.kind}; give one")
    if declared is not None and declared != key:
        raise Malformed("subject", f"{key!r}, but {contract.key_field} is {declared!r}; give one of them")
    return key
