"""What facts say about single elements of lists, and the elements of a list."""

from collections.abc import Iterable, Mapping
from typing import Any

from catalog import limits
from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE, Contract
from catalog.relationship import Relationship
from errors import Unacceptable
from facts import keys
from facts.envelope import ElementChange

OWN_TYPES = {"Linked.v1": True, "Unlinked.v1": False}
"""Tether's own facts that add or remove an element, where the relationship is many to many → whether it adds."""


def changes_of(lists: Iterable[Relationship], contract: Contract, data: Mapping[str, Any]) -> tuple[ElementChange, ...]:
    """What an owner's fact changes in each of the lists of its kind; nothing unless it is an element fact.

    ``contract``: of the fact, which has no upcaster: each version names its own fields.
    """
    effect = contract.element
    if effect is None:
        return ()
    value = data.get(effect.field)
    found = [(r.name, r.element_key(value)) for r in lists if r.list_field == effect.each]
    return tuple(ElementChange(name, key, effect.adds) for name, key in found if key is not None)


def recorded_changes(catalog: Catalog, source: str, type: str, data: Mapping[str, Any]) -> tuple[ElementChange, ...]:
    """What a fact in the ledger changes in lists; ``data``: as it was published."""
    if source == OWN_SOURCE:
        relationship = catalog.relationships.get(data["relationship"]) if type in OWN_TYPES else None
        if relationship is None or not relationship.many:
            return ()
        return (own_change(relationship, data, added=OWN_TYPES[type]),)
    contract = catalog.contracts.by_type.get(type)
    return () if contract is None else changes_of(catalog.listing.get(contract.kind, ()), contract, data)


def own_change(relationship: Relationship, data: Mapping[str, Any], *, added: bool) -> ElementChange:
    """What ``Linked`` or ``Unlinked`` of a many-to-many relationship changes: its data name child and parent."""
    return ElementChange(relationship.name, data["child" if relationship.parent_lists else "parent"], added)


def elements_of(relationship: Relationship, data: Mapping[str, Any]) -> set[str]:
    """The keys in the list of an entity with these data, in normal form; what is no list has none, and what is no key
    is none."""
    value = data.get(relationship.list_field or "")
    if type(value) is not list:
        return set()
    return {key for item in value if (key := relationship.element_key(item)) is not None and "\x00" not in key}


def check_list(relationship: Relationship, data: Mapping[str, Any]) -> None:
    """Raises Unacceptable unless the field with the list holds one of keys, or none; names the first that is no key."""
    field = relationship.list_field or ""
    value = data.get(field)
    if value is None:
        return
    if type(value) is not list:
        raise Unacceptable(f"{field} must be a list of keys, or null")
    for n, item in enumerate(value):
        _check_key(relationship, f"{field}[{n}]", item)


def check_changes(lists: Iterable[Relationship], contract: Contract, data: Mapping[str, Any]) -> None:
    """Raises Unacceptable unless an element fact names a key."""
    effect = contract.element
    if effect is not None:
        for relationship in lists:
            if relationship.list_field == effect.each:
                _check_key(relationship, effect.field, data.get(effect.field))


def _check_key(relationship: Relationship, place: str, item: Any) -> None:
    if type(item) is int and relationship.element_form is None:
        return
    item = str(item) if type(item) is int else item
    if type(item) is not str or not item:
        raise Unacceptable(f"{place} must name an entity: a text of 1 to {limits.KEY} bytes, or an integer")
    if relationship.element_form is not None:
        item = keys.normal(relationship.element_form, relationship.element_kind, item)
    limits.check(place, item, limits.KEY)


def kept_of(relationship: Relationship, data: Mapping[str, Any]) -> list[Any] | None:
    """What an erasure leaves of a list: its keys; None: there is no list."""
    value = data.get(relationship.list_field or "")
    return [item for item in value if relationship.element_key(item) is not None] if type(value) is list else None
