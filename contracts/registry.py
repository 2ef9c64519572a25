"""Finds the declared owners, facts and commands, and refuses mistakes at start-up."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from contracts.discovery import modules
from contracts.vocabulary import Effect, Fact, KeyField, Owner
from errors import BadDeclaration

OWN_SOURCE = "/tether"
"""The source of facts that Tether itself records; nobody else may use it."""

OWN_FACTS = ("Linked", "Unlinked", "RelationshipOverdue", "RelationshipDeclared")
"""The names of those facts, announcements apart, which relationships declare."""

_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Contract:
    """One declared fact, ready for use."""

    wire_type: str
    name: str
    version: int
    kind: str
    effect: Effect
    owner: str
    model: type[Fact]
    key_field: str | None
    where: str


@dataclass(frozen=True)
class Contracts:
    """All that owners tell."""

    by_type: dict[str, Contract] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    owner_of: dict[str, str] = field(default_factory=dict)
    """kind → the owner's name."""

    def created_fact(self, kind: str) -> str:
        """The name of the fact that brings this kind into being; empty if none is declared."""
        names = [c.name for c in self.by_type.values() if c.kind == kind and c.effect is Effect.CREATED]
        return names[0] if names else ""

    def fields_of(self, kind: str) -> set[str]:
        """Every field that some fact of this kind declares."""
        return {name for c in self.by_type.values() if c.kind == kind for name in c.model.model_fields}


def load(directories: Iterable[Path]) -> Contracts:
    """Read every module of the directories; raises BadDeclaration with the file and the mend."""
    contracts = Contracts()
    for module in modules(directories):
        _read(module, contracts)
    return contracts


def _read(module: ModuleType, contracts: Contracts) -> None:
    if module.__name__ == Fact.__module__:
        return
    where = str(module.__file__)
    facts = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Fact) and value.__module__ == module.__name__
    ]
    owner = getattr(module, "OWNER", None)
    if not isinstance(owner, Owner):
        if facts:
            raise BadDeclaration(where, "facts without an owner", 'Add OWNER = Owner("name") to the module.')
        return
    known_as = contracts.owners.setdefault(owner.name, owner)
    if known_as != owner:
        raise BadDeclaration(where, f"the owner {owner.name!r} has other sources elsewhere", "Declare them alike.")
    for fact in facts:
        contract = _contract(fact, owner, where)
        earlier = contracts.by_type.get(contract.wire_type)
        if earlier is not None:
            raise BadDeclaration(
                where,
                f"{contract.wire_type} is declared in {earlier.where} as well",
                "Rename or remove one of them.",
            )
        other = contracts.owner_of.setdefault(contract.kind, owner.name)
        if other != owner.name:
            raise BadDeclaration(
                where,
                f"the kind {contract.kind!r} belongs to the owner {other!r}",
                "A kind has one owner; rename it.",
            )
        contracts.by_type[contract.wire_type] = contract


def _contract(fact: type[Fact], owner: Owner, where: str) -> Contract:
    name = fact.fact_name()
    if not _NAME.fullmatch(name):
        raise BadDeclaration(where, f"{name} is no name of a fact", "Use CamelCase in the past tense: GroupCreated.")
    if getattr(fact, "effect", None) is None:
        raise BadDeclaration(where, f"{name} derives from Fact itself", "Derive it from Created, Changed or Deleted.")
    if not _KIND.fullmatch(fact.entity):
        raise BadDeclaration(
            where,
            f"{name} names no kind of entity",
            f'Write class {name}({fact.effect.title()}, entity="…").',
        )
    keys = [n for n, f in fact.model_fields.items() if any(isinstance(m, KeyField) for m in f.metadata)]
    if len(keys) > 1:
        raise BadDeclaration(where, f"{name} has several keys: {', '.join(keys)}", "Mark one field as Key.")
    return Contract(
        wire_type=fact.wire_type(),
        name=name,
        version=fact.version,
        kind=fact.entity,
        effect=fact.effect,
        owner=owner.name,
        model=fact,
        key_field=keys[0] if keys else None,
        where=where,
    )
