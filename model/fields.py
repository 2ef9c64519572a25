"""The fields that merged records have together, from the set of facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from catalog.catalog import Catalog
from catalog.identity import FieldRule, MergePolicy
from model.facts import ModelFact
from model.fold import histories_of
from model.history import Life
from model.order import Order


class ModelField(NamedTuple):
    """A field of a merged entity. ``origins``: the keys of the records that it comes from."""

    value: Any
    origins: list[str]


class _RecordedValue(NamedTuple):
    """The value of a field in one record, and the position of the fact that set it."""

    key: str
    value: Any
    order: Order


def fields(catalog: Catalog, facts: Iterable[ModelFact], kind: str, key: str) -> dict[str, ModelField]:
    """Returns field → its value of the entity that a key goes on as; nothing if that is not live.

    A loser that is deleted contributes its last life.
    """
    histories, merges = histories_of(catalog, facts)
    survivor = merges.survivor(kind, key)
    members = (survivor, *merges.clusters.get((kind, survivor), ()))
    known = {member: histories[kind, member] for member in members if (kind, member) in histories}
    if survivor not in known or known[survivor].state != "live":
        return {}
    stated: dict[str, list[_RecordedValue]] = {}
    for member, history in known.items():
        if history.published:
            for name, (value, order) in _fields(history.last_life).items():
                stated.setdefault(name, []).append(_RecordedValue(member, value, order))
    policy = catalog.contracts.merging.get(kind, MergePolicy())
    found = {name: _combined(policy.rule(name), of_field, survivor) for name, of_field in stated.items()}
    return {name: field for name, field in found.items() if field is not None}


def _fields(life: Life) -> dict[str, tuple[Any, Order]]:
    found: dict[str, tuple[Any, Order]] = {}
    for fact in life.facts:
        if fact.effect is not None:
            found.update({name: (value, fact.order) for name, value in fact.data.items()})
    return found


def _combined(rule: FieldRule, stated: list[_RecordedValue], survivor: str) -> ModelField | None:
    """Combines the values of one field; None: it has none. ``stated``: the survivor's first, the others by key."""
    if rule is FieldRule.UNION:
        return ModelField(_union([one.value for one in stated]), [one.key for one in stated])
    if rule is FieldRule.NEWEST:
        chosen = max(stated, key=lambda one: one.order)
    elif rule is FieldRule.FIRST_NON_EMPTY:
        chosen = next((one for one in stated if one.value not in (None, "", [], {})), stated[0])
    else:
        chosen = stated[0]
        if chosen.key != survivor:
            return None
    return ModelField(chosen.value, [chosen.key])


def _union(values: list[Any]) -> list[Any]:
    """Returns the elements of all lists, each once by its JSON; null is no element."""
    elements: dict[bytes, Any] = {}
    for value in values:
        for element in value if isinstance(value, list) else [value]:
            if element is not None:
                elements.setdefault(orjson.dumps(element, option=orjson.OPT_SORT_KEYS), element)
    return list(elements.values())
