"""The state that facts are folded into."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from model.facts import FactId

EntityState: TypeAlias = Literal["unknown", "live", "deleted"]
"""``unknown``: a placeholder, referred to by a link but never published."""
LinkState: TypeAlias = Literal["linked", "waiting", "broken", "conflict"]
"""Without ``overdue``, which depends on the clock and not on facts."""

EntityKey: TypeAlias = tuple[str, str]
"""(kind, key)"""
LinkKey: TypeAlias = tuple[str, str]
"""(relationship, child)"""


class ModelEntity(NamedTuple):
    """One entity."""

    state: EntityState
    data: Mapping[str, Any]
    """Field → newest value; empty unless live."""
    latest: FactId | None
    """Its owner's newest fact; None for a placeholder."""
    sequence: str | None
    """That fact's sequence."""
    ended: FactId | None
    """Its newest deletion, which distinguishes this incarnation from earlier ones; None: it was never deleted."""


class ModelLink(NamedTuple):
    """One link of a live child."""

    parent: str
    state: LinkState


@dataclass(frozen=True, slots=True)
class ModelState:
    """The state of one tenant, without what depends on the clock."""

    entities: dict[EntityKey, ModelEntity]
    links: dict[LinkKey, ModelLink]


PLACEHOLDER = ModelEntity("unknown", {}, None, None, None)
