"""A fact as the model sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE, Contract
from catalog.vocabulary import Effect
from errors import Malformed, Unknown
from model.instants import microseconds
from model.order import Order, order

LINKED = "Linked.v1"
"""Tether's own: the child belongs to ``data.parent`` in ``data.relationship``, by explicit wish."""
UNLINKED = "Unlinked.v1"
"""Tether's own: the child belongs to nobody in ``data.relationship``, by explicit wish."""


class FactId(NamedTuple):
    """What makes two deliveries the same fact, within a tenant."""

    source: str
    id: str


class ModelFact(NamedTuple):
    """One accepted fact about one entity."""

    source: str
    id: str
    type: str
    """The wire type, ``GroupCreated.v1``."""
    kind: str
    """Of the entity; of the child for an explicit link; empty for what says nothing of an entity."""
    key: str
    effect: Effect | None
    """None: Tether's own fact, which no owner told."""
    sequence: str | None
    time: int | None
    """Microseconds since 1970 UTC."""
    data: Mapping[str, Any]
    """The fields as they were told: nothing left out, no defaults filled in."""
    correlation: str | None

    @property
    def identity(self) -> FactId:
        """Its name in the ledger."""
        return FactId(self.source, self.id)

    @property
    def order(self) -> Order:
        """Its place among the facts of its entity."""
        return order(self.sequence, self.time, self.source, self.id)


def read(catalog: Catalog, event: Mapping[str, Any]) -> ModelFact:
    """The fact in a structured CloudEvent, an owner's or Tether's own.

    Raises Unknown for a type or a relationship that is not declared, Malformed for an event without a key.
    """
    if event["source"] == OWN_SOURCE:
        return _own(catalog, event)
    contract = catalog.contracts.by_type.get(event["type"])
    if contract is None:
        raise Unknown(f"no contract {event['type']!r}; declare it in contracts/, then fold again")
    return told(contract, event)


def told(contract: Contract, event: Mapping[str, Any]) -> ModelFact:
    """The fact that an owner told under this contract. Raises Malformed."""
    return _fact(event, contract.kind, _key(contract, event), contract.effect)


def _own(catalog: Catalog, event: Mapping[str, Any]) -> ModelFact:
    kind = ""
    if event["type"] in (LINKED, UNLINKED):
        kind = catalog.relationship(event["data"]["relationship"]).child
    return _fact(event, kind, event.get("subject") or "", None)


def _fact(event: Mapping[str, Any], kind: str, key: str, effect: Effect | None) -> ModelFact:
    time = event.get("time")
    return ModelFact(
        source=event["source"],
        id=event["id"],
        type=event["type"],
        kind=kind,
        key=key,
        effect=effect,
        sequence=event.get("sequence"),
        time=None if time is None else microseconds(time),
        data=event.get("data") or {},
        correlation=event.get("correlationid"),
    )


def _key(contract: Contract, event: Mapping[str, Any]) -> str:
    subject = event.get("subject")
    declared = (event.get("data") or {}).get(contract.key_field) if contract.key_field else None
    key = subject or declared
    if not isinstance(key, str) or not key:
        raise Malformed("subject", f"{event['type']} {event['id']} names no {contract.kind}; give its key")
    if declared is not None and declared != key:
        raise Malformed("subject", f"{key!r}, but {contract.key_field} is {declared!r}; give one of them")
    return key
