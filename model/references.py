"""To which parent a child's facts refer."""

from collections.abc import Sequence
from typing import Any

from catalog.relationship import KEY_LENGTH, Relationship
from catalog.vocabulary import Effect
from facts.correlation import decode
from model.facts import LINKED, UNLINKED, ModelFact


def parent_of(relationship: Relationship, facts: Sequence[ModelFact]) -> str | None:
    """The parent's key according to the newest of the facts that speaks of it; None: no parent.

    ``facts`` are those of one child that count, in their order.
    """
    for fact in reversed(facts):
        if fact.effect is None:
            if fact.type in (LINKED, UNLINKED) and fact.data["relationship"] == relationship.name:
                return None if fact.type == UNLINKED else _key(fact.data["parent"])
        elif relationship.field is None:
            parent = _asked_for(relationship, fact)
            if parent is not None:
                return parent
        elif relationship.field in fact.data:
            return _key(fact.data[relationship.field])
    return None


def _asked_for(relationship: Relationship, fact: ModelFact) -> str | None:
    """The parent in the correlation id that came back with the child's creation."""
    if fact.effect is not Effect.CREATED:
        return None
    token = decode(fact.correlation)
    return _key(token[1]) if token is not None and token[0] == relationship.name else None


def _key(value: Any) -> str | None:
    """A text that can be a key, or a whole number. Anything else names nobody: whoever told it before the
    relationship was declared did not know that it would be read as a reference."""
    if isinstance(value, str):
        return value if 0 < len(value) <= KEY_LENGTH and "\x00" not in value else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None
