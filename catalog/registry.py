"""The contracts in force: the facts and commands that owners declare, ready for use."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from catalog.activity import AboutEntity
from catalog.identity import IdentityEffect, MergePolicy
from catalog.vocabulary import Command, Effect, Fact, Owner

OWN_SOURCE = "/tether"
"""The source of facts that Tether itself records; no owner may use it."""

OWN_FACTS = (
    "Linked",
    "Unlinked",
    "FactVoided",
    "EntityErased",
    "RelationshipOverdue",
    "RelationshipDeclared",
    "Merged",
    "Unmerged",
    "MergeForbidden",
    "MergeForbiddenLifted",
    "ConsumerAtRisk",
    "ConsumerExpired",
)
"""The names of those facts, except announcements, which relationships declare."""

JSON_KEYS = {"string", "integer"}
"""The JSON types that a key may have."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One declared fact. ``effect``: what it does to its entity's state; None: it is about identity, or activity.

    ``key_field``: the field with the entity's key, if any; ``where``: its file; ``about``: whose activity it is.
    """

    wire_type: str
    name: str
    version: int
    kind: str
    effect: Effect | None
    owner: str
    model: type[Fact]
    key_field: str | None
    where: str
    identity: IdentityEffect | None = None
    about: AboutEntity | None = None


@dataclass(frozen=True)
class Contracts:
    """The facts and commands of all owners."""

    by_type: dict[str, Contract] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    owner_of: dict[str, str] = field(default_factory=dict)
    """kind → the owner's name."""
    commands: dict[type[Command], str] = field(default_factory=dict)
    """command → the name of the owner that carries it out."""
    deleting: dict[str, type[Command]] = field(default_factory=dict)
    """kind → the command that deletes an entity of this kind."""
    erasing: dict[str, type[Command]] = field(default_factory=dict)
    """kind → the command that lets the owner erase its data of an entity of this kind."""
    merging: dict[str, MergePolicy] = field(default_factory=dict)
    """kind whose entities can be merged → how."""
    activity: dict[str, Contract] = field(default_factory=dict)
    """wire type of activity → its contract."""
    declared_in: dict[type[Command], str] = field(default_factory=dict)
    """command → its file."""

    @property
    def retiring(self) -> frozenset[str]:
        """Kinds whose losers are retired by a command."""
        return frozenset(kind for kind, policy in self.merging.items() if policy.retire is not None)

    @property
    def feeds(self) -> frozenset[str]:
        """The kinds that are feeds of activity, and have no state."""
        return frozenset(contract.kind for contract in self.activity.values())

    def addressee(self, command: type[Command]) -> str | None:
        """The name of the owner that carries out a command, or None if no owner declares it.

        The same file may have been imported under a second name, which makes a second class of each command: it is
        found by its name and file.
        """
        if command in self.commands:
            return self.commands[command]
        file = Path(inspect.getfile(command)).resolve()
        alike = ((c, where) for c, where in self.declared_in.items() if c.__name__ == command.__name__)
        return next((self.commands[c] for c, where in alike if Path(where).resolve() == file), None)

    def created_fact(self, kind: str) -> str:
        """The name of the fact that creates an entity of this kind; empty if none is declared."""
        return self._fact(kind, Effect.CREATED)

    def deleted_fact(self, kind: str) -> str:
        """The name of the fact that deletes an entity of this kind; empty if none is declared."""
        return self._fact(kind, Effect.DELETED)

    def types(self, kind: str, effect: Effect) -> list[str]:
        """The wire types of the facts that have this effect on an entity of this kind, sorted."""
        return sorted(t for t, c in self.by_type.items() if c.kind == kind and c.effect is effect)

    def _fact(self, kind: str, effect: Effect) -> str:
        names = [c.name for c in self.by_type.values() if c.kind == kind and c.effect is effect]
        return names[0] if names else ""

    def fields_of(self, kind: str) -> set[str]:
        """Every field that some fact about the state of this kind declares."""
        return {
            name
            for c in self.by_type.values()
            if c.kind == kind and c.effect is not None
            for name in c.model.model_fields
        }

    def may_name(self, kind: str, field: str) -> bool:
        """Whether a field of this kind can hold a key: a string or an integer, not a list or a fraction."""
        return bool(self._types(kind, field, tuple(Effect)) & JSON_KEYS)

    def may_move(self, kind: str, field: str) -> bool:
        """Whether a ``Changed`` fact can give this field of an existing entity another key."""
        return bool(self._types(kind, field, (Effect.CHANGED,)) & JSON_KEYS)

    def may_clear(self, kind: str, field: str) -> bool:
        """Whether a fact can set this field to null."""
        return "null" in self._types(kind, field, (Effect.CREATED, Effect.CHANGED))

    def _types(self, kind: str, field: str, effects: Collection[Effect]) -> set[str]:
        """The JSON types that facts with these effects declare for a field.

        A schema that names no type counts as a string, and as null too unless a reference, enum or constant limits it.
        """
        found: set[str] = set()
        for contract in self.by_type.values():
            if contract.kind == kind and contract.effect in effects and field in contract.model.model_fields:
                shape = contract.model.model_json_schema(by_alias=False)["properties"][field]
                for part in shape.get("anyOf", [shape]):
                    found.add(part.get("type", "string"))
                    if not part.keys() & {"type", "$ref", "enum", "const"}:
                        found.add("null")
        return found
