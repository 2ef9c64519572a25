"""What is left of the data of an erased entity: the fields by which its facts refer to other entities, or to itself.

A field that a relationship refers by holds the key of another entity, which says nothing of this one but that it is
linked; without it the links, and with them the state of others, would not follow from the facts any more.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from catalog.catalog import Catalog
from catalog.identity import Merged, Unmerged
from catalog.registry import OWN_SOURCE
from catalog.relationship import as_key
from facts import elements
from facts.correlation import decode, decode_operation
from facts.reading import read_as

_FREE_TEXT = "reason"
"""The one field of Tether's own facts that is no key, name or time: what a person wrote."""
_PAIR = ("one", "other")

_Path: TypeAlias = tuple[str, ...]
"""The names that lead to a field."""


class ErasedData:
    """Reduces data to what is left of it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog.contracts
        self._contracts = catalog.contracts.by_type
        self._references: dict[str, set[_Path]] = {}
        for kind, relationships in catalog.by_child.items():
            self._references[kind] = {r.path for r in relationships if r.path}
        self._lists = catalog.listing
        for contract in self._contracts.values():
            if contract.key_field is not None:
                self._references.setdefault(contract.kind, set()).add((contract.key_field,))

    def of_entity(self, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """The data of an entity, as it follows from its erased facts."""
        return _keys(data, self._references.get(kind, ())) | self._kept_lists(kind, data)

    def _kept_lists(self, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
        lists = self._lists.get(kind, ())
        return {r.list_field: elements.kept_of(r, data) for r in lists if r.list_field and r.list_field in data}

    def of_fact(self, source: str, type: str, kind: str, data: dict[str, Any], about: str = "") -> dict[str, Any]:
        """The data of a fact, in the shape of the newest version: what is emptied is never upcast again. ``data``: as
        they were published; ``about``: of activity, the key of the entity that it is about."""
        if source == OWN_SOURCE:
            return {name: "" if name == _FREE_TEXT else value for name, value in data.items()}
        if type in self._catalog.readings and self._contracts[type].effect is not None:
            data = read_as(self._catalog, type, data)
        kept = _keys(data, self._references.get(kind, ())) | self._kept_lists(kind, data)
        contract = self._contracts.get(type)
        if contract is None:  # not declared any more: what holds the key may be what it is about
            return kept | {name: value for name, value in data.items() if about and as_key(value) == about}
        if contract.about is not None:
            kept |= _keys(data, [(contract.about.field,)])
        if contract.element is not None:
            kept |= _keys(data, [(contract.element.field,)])
        if contract.identity is not None:
            pair, model = _PAIR, contract.model
            if issubclass(model, Merged | Unmerged):
                pair = model.survivor_field, model.losers_field
            kept |= {name: data[name] for name in pair if name in data}
        return kept


def correlation_of(correlation: str | None) -> str | None:
    """What is left of a correlation id: those that Tether has made, which name a parent or an operation."""
    ours = decode(correlation) is not None or decode_operation(correlation) is not None
    return correlation if ours else None


def _keys(data: Mapping[str, Any], paths: Iterable[_Path]) -> dict[str, Any]:
    """What these paths lead to, as far as there is anything. A value that is no key refers to nothing, as null does."""
    kept: dict[str, Any] = {}
    within: dict[str, set[_Path]] = {}
    for name, *rest in paths:
        if name in data and not rest:
            kept[name] = data[name] if as_key(data[name]) is not None else None
        elif name in data:
            within.setdefault(name, set()).add(tuple(rest))
    for name, rests in within.items():
        kept.setdefault(name, _keys(data[name], rests) if isinstance(data[name], Mapping) else None)
    return kept
