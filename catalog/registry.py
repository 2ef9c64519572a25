"""The contracts in force: the facts and commands that owners declare, ready for use."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.activity import AboutEntity
from catalog.identity import IdentityEffect, MergePolicy
from catalog.key_forms import KeyForm
from catalog.lists import ElementEffect
from catalog.message_mapping import MessageMapping
from catalog.upcasting import Upcaster
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

    ``key_field``: the field with the entity's key, if any; ``where``: its file; ``about``: whose activity it is;
    ``element``: what it does to a list.
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
    element: ElementEffect | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How facts of an older version are read. ``contract``: of the newest version; ``steps``: the upcasters to it."""

    contract: Contract
    steps: tuple[Upcaster, ...]


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
    upcasters: dict[tuple[str, str], Upcaster] = field(default_factory=dict)
    """(wire type, wire type of the next version) → what reads the first as the second."""
    readings: dict[str, Reading] = field(default_factory=dict)
    """wire type of each version that has an upcaster → how it is read. All others are read as they are."""
    mappings: dict[str, MessageMapping] = field(default_factory=dict)
    """type of another system's messages → the facts that they say."""
    key_forms: dict[str, KeyForm] = field(default_factory=dict)
    """kind whose keys are spelled in several ways → their normal form."""

    @property
    def newest(self) -> list[Contract]:
        """The contracts whose shape entities have: all but those of versions that are read as newer ones."""
        return [contract for type, contract in self.by_type.items() if type not in self.readings]

    def key(self, kind: str, key: str) -> str:
        """The key under which Tether keeps an entity of a kind: in the normal form that is declared, if it has one."""
        form = self.key_forms.get(kind)
        return key if form is None else form.normal(key) or key

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
        """Every field that some fact about the state of this kind declares, in its newest version."""
        return {name for c in self.newest if c.kind == kind and c.effect is not None for name in c.model.model_fields}

    def has_field(self, kind: str, field: str) -> bool:
        """Whether some fact of this kind may have a field, also one within a field: ``repository.id``."""
        return bool(self._types(kind, field, tuple(Effect)))

    def may_name(self, kind: str, field: str) -> bool:
        """Whether a field of this kind can hold a key: a string or an integer, not a list or a fraction."""
        return bool(self._types(kind, field, tuple(Effect)) & JSON_KEYS)

    def may_list(self, kind: str, field: str, effects: Collection[Effect] = tuple(Effect)) -> bool:
        """Whether facts with these effects can give this field of an entity a list."""
        return "array" in self._types(kind, field, effects)

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
        root, *within = field.split(".")
        for contract in self.newest:
            if contract.kind == kind and contract.effect in effects and root in contract.model.model_fields:
                schema = contract.model.model_json_schema(by_alias=False)
                parts = _alternatives(schema, schema["properties"][root])
                for name in within:
                    found |= {"null"} & {part.get("type") for part in parts}
                    parts = [one for part in parts for one in _within(schema, part, name)]
                for part in parts:
                    found.add(part.get("type", "string"))
                    if not part.keys() & {"type", "$ref", "enum", "const"}:
                        found.add("null")
        return found


def _alternatives(schema: dict[str, Any], part: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas of which a value fulfils one. A reference to an object is followed, any other one is kept."""
    found = []
    for one in part.get("anyOf", [part]):
        named = schema.get("$defs", {}).get(one.get("$ref", "").rpartition("/")[2], {})
        found.append(named if named.get("type") == "object" else one)
    return found


def _within(schema: dict[str, Any], part: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The schemas of a field of an object; an object that says nothing of its fields may have any."""
    if part.get("type", "object") != "object" or part.keys() & {"$ref", "enum", "const"}:
        return []
    fields = part.get("properties")
    return _alternatives(schema, fields[name]) if fields and name in fields else [{}] * (not fields)
