"""Relationships as columns: one list per property, for queries that take arrays and join them with ``unnest``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from catalog.relationship import Relationship


@dataclass(frozen=True, slots=True)
class RelationshipColumns:
    """Each property is a list with one value per relationship, in their order. ``owners``: kind of entity → owner."""

    relationships: Sequence[Relationship]
    owners: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        return [r.name for r in self.relationships]

    @property
    def parent_kinds(self) -> list[str]:
        return [r.parent for r in self.relationships]

    @property
    def child_kinds(self) -> list[str]:
        return [r.child for r in self.relationships]

    @property
    def fields(self) -> list[str | None]:
        """The child's field that holds the parent's key, or what it is within; None: there is none."""
        return [r.root for r in self.relationships]

    @property
    def parent_owners(self) -> list[str]:
        return [self.owners[r.parent] for r in self.relationships]

    @property
    def child_owners(self) -> list[str]:
        return [self.owners[r.child] for r in self.relationships]

    @property
    def requested(self) -> list[bool]:
        """Whether a command requests the missing child."""
        return [r.requested is not None for r in self.relationships]

    @property
    def always(self) -> list[bool]:
        """Whether every instance has a workflow, also while nothing is missing."""
        return [r.always for r in self.relationships]

    @property
    def element_kinds(self) -> list[str]:
        """The kinds that links name: of parents, or of children where parents list them."""
        return [r.element_kind for r in self.relationships]

    @property
    def parent_lists(self) -> list[bool]:
        """Whether parents list their children."""
        return [r.parent_lists for r in self.relationships]

    @property
    def many(self) -> list[bool]:
        """Whether a child may have several parents."""
        return [r.many for r in self.relationships]

    @property
    def skips_shared(self) -> list[bool]:
        """Whether a cascade requests nothing for children that have other parents."""
        return [r.skips_shared for r in self.relationships]

    @property
    def exclusive(self) -> list[bool]:
        """Whether a parent may have one child only."""
        return [r.exclusive for r in self.relationships]

    @property
    def policies(self) -> list[str]:
        """What happens to the children of a deleted parent: keep, restrict, cascade or detach."""
        return [r.on_parent_deleted.name for r in self.relationships]

    @property
    def deadlines(self) -> list[timedelta]:
        return [r.on_missing.deadline for r in self.relationships]

    @property
    def grace_periods(self) -> list[timedelta]:
        """How long an instance waits in its row alone, before it gets a workflow."""
        return [r.on_missing.grace for r in self.relationships]
