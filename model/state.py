"""The state that facts are folded into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from model.facts import FactId
from model.merges import ModelMerges

EntityState: TypeAlias = Literal["unknown", "live", "deleted", "merged"]
"""``unknown``: a placeholder, referred to by a link but never published. ``merged``: it goes on as its survivor."""
LinkState: TypeAlias = Literal["linked", "waiting", "broken", "conflict"]
"""Without ``overdue``, which depends on the clock and not on facts."""

EntityKey: TypeAlias = tuple[str, str]
"""(kind, key)"""
LinkKey: TypeAlias = tuple[str, ...]
"""(relationship, child); of a many-to-many relationship (relationship, child, parent)"""


class ModelEntity(NamedTuple):
    """One entity."""

    state: EntityState
    data: Mapping[str, Any]
    """Field → newest value; empty unless it is live, or was when it was merged."""
    latest: FactId | None
    """Its owner's newest fact; None for a placeholder."""
    sequence: str | None
    """That fact's sequence."""
    ended: FactId | None
    """Its newest deletion, which distinguishes this incarnation from earlier ones; None: it was never deleted."""
    recorded: EntityState | None = None
    """If it was merged: its state by its own facts."""


class ModelLink(NamedTuple):
    """One link: of a live child, or many to many of what one side lists."""

    parent: str
    state: LinkState
    stated_child: str | None = None
    """The key of the record that names the parent, if it is merged into the child."""
    stated_parent: str | None = None
    """The key that the record names, if it is merged into the parent."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """The state of one tenant, without what depends on the clock."""

    entities: dict[EntityKey, ModelEntity]
    links: dict[LinkKey, ModelLink]
    merges: ModelMerges = field(default_factory=ModelMerges)

    @property
    def aliases(self) -> dict[EntityKey, str]:
        """(kind, loser) → the survivor of its cluster."""
        return self.merges.aliases


PLACEHOLDER = ModelEntity("unknown", {}, None, None, None)
