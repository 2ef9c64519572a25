"""Finds the parent to which the facts of a child refer."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from catalog.relationship import KEY_CHARACTERS, Relationship
from catalog.vocabulary import Effect
from facts.correlation import decode
from model.facts import LINKED, UNLINKED, ModelFact
from model.versions import normal_key


class NamedParent(NamedTuple):
    """The parent that a child refers to. ``fact``: the one that says so; ``created``: the order key of the creation
    of it that the child was requested for; None: it refers to any incarnation of the parent."""

    key: str
    fact: ModelFact
    created: bytes | None = None


def parent_of(relationship: Relationship, facts: Sequence[ModelFact]) -> NamedParent | None:
    """Returns the parent by the newest fact that names one or none; None: no parent.

    ``facts``: those of one life of the child, in their order.
    """
    for fact in reversed(facts):
        if fact.effect is None:
            if fact.type in (LINKED, UNLINKED) and fact.data["relationship"] == relationship.name:
                return None if fact.type == UNLINKED else _named(relationship, fact, fact.data["parent"])
        elif relationship.field is None:
            parent = _requested_for(relationship, fact)
            if parent is not None:
                return parent
        elif relationship.field.partition(".")[0] in fact.data:
            return _named(relationship, fact, _value(fact.data, relationship.field))
    return None


def _value(data: Any, field: str) -> Any:
    """Returns what a name leads to, and the next one within that; None: one of them leads nowhere."""
    name, _, within = field.partition(".")
    if not isinstance(data, Mapping) or name not in data:
        return None
    return _value(data[name], within) if within else data[name]


def _requested_for(relationship: Relationship, fact: ModelFact) -> NamedParent | None:
    """Returns the parent in the correlation id that the child's owner copied into the creation; None: it has none."""
    if fact.effect is not Effect.CREATED:
        return None
    token = decode(fact.correlation)
    if token is None or token.relationship != relationship.name:
        return None
    return _named(relationship, fact, token.parent, token.created)


def _named(relationship: Relationship, fact: ModelFact, value: Any, created: bytes | None = None) -> NamedParent | None:
    key = key_of(value)
    return None if key is None else NamedParent(normal_key(relationship.parent_form, key), fact, created)


def key_of(value: Any) -> str | None:
    """Returns a string that can be a key, or a whole number as a string; None for anything else.

    Owners may have published other values before the relationship was declared: those refer to no parent.
    """
    if isinstance(value, str):
        return value if 0 < len(value) <= KEY_CHARACTERS and "\x00" not in value else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None
