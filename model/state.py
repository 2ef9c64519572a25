"""What the facts come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from model.facts import FactId

Life: TypeAlias = Literal["unknown", "live", "deleted"]
"""``unknown``: a placeholder for what is referred to but was never heard of."""
Bond: TypeAlias = Literal["linked", "waiting", "broken", "conflict"]
"""``overdue`` is missing: that is ``waiting`` by the clock, and the clock is no fact."""

EntityKey: TypeAlias = tuple[str, str]
"""(kind, key)"""
LinkKey: TypeAlias = tuple[str, str]
"""(relationship, child)"""


class EntityState(NamedTuple):
    """One entity."""

    state: Life
    data: Mapping[str, Any]
    """Field → newest value; empty unless live."""
    latest: FactId | None
    """Its owner's newest fact; None for a placeholder."""
    sequence: str | None
    """That fact's sequence."""
    ended: FactId | None
    """Its newest end, which tells this incarnation from earlier ones; None: it never ended."""


class LinkState(NamedTuple):
    """One link of a live child."""

    parent: str
    state: Bond


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is true of one tenant, the clock aside."""

    entities: dict[EntityKey, EntityState]
    links: dict[LinkKey, LinkState]


PLACEHOLDER = EntityState("unknown", {}, None, None, None)
