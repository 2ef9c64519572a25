"""The catalog: every contract and relationship in force, checked against each other at start-up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from contracts import registry
from contracts.discovery import ROOT, modules
from contracts.registry import OWN_FACTS, Contracts
from errors import BadDeclaration, Unknown
from relationships.definition import Relationship

_ANNOUNCEMENT = re.compile(r"[A-Z][A-Za-z0-9]*")


@dataclass(frozen=True)
class Catalog:
    """What is declared: contracts by wire type, relationships by name."""

    contracts: Contracts
    relationships: dict[str, Relationship] = field(default_factory=dict)

    @cached_property
    def by_child(self) -> dict[str, tuple[Relationship, ...]]:
        """child kind → the relationships it is the child in."""
        return self._by("child")

    @cached_property
    def by_parent(self) -> dict[str, tuple[Relationship, ...]]:
        """parent kind → the relationships it is the parent in."""
        return self._by("parent")

    def _by(self, side: str) -> dict[str, tuple[Relationship, ...]]:
        kinds = {getattr(r, side) for r in self.relationships.values()}
        return {k: tuple(r for r in self.relationships.values() if getattr(r, side) == k) for k in kinds}

    def relationship(self, name: str) -> Relationship:
        """Raises Unknown if there is none of that name."""
        try:
            return self.relationships[name]
        except KeyError:
            known = ", ".join(sorted(self.relationships)) or "none"
            raise Unknown(f"no relationship {name!r}; declared are: {known}") from None

    def owner_of(self, kind: str) -> str:
        """The owner's name; raises Unknown for a kind that nobody declared."""
        try:
            return self.contracts.owner_of[kind]
        except KeyError:
            known = ", ".join(sorted(self.contracts.owner_of)) or "none"
            raise Unknown(f"no kind of entity {kind!r}; declared are: {known}") from None


def load(extra: Sequence[Path] = ()) -> Catalog:
    """The project's own declarations and those of the extra directories.

    Each extra directory has ``contracts/`` or ``relationships/`` or both. Raises BadDeclaration.
    """
    for directory in extra:
        if not directory.is_dir():
            raise BadDeclaration(str(directory), "no such directory", "Check TETHER_CATALOG.")
    roots = [ROOT, *extra]
    contracts = registry.load(d for root in roots if (d := root / "contracts").is_dir())
    catalog = Catalog(contracts)
    where: dict[str, str] = {}
    for module in modules(d for root in roots if (d := root / "relationships").is_dir()):
        for name, value in vars(module).items():
            if isinstance(value, Relationship) and not name.startswith("_"):
                file = str(module.__file__)
                if name in where:
                    raise BadDeclaration(file, f"{name} is declared in {where[name]} as well", "Rename one of them.")
                where[name] = file
                catalog.relationships[name] = _checked(replace(value, name=name), contracts, file)
    return catalog


def _checked(rel: Relationship, contracts: Contracts, where: str) -> Relationship:
    for side in ("parent", "child"):
        kind = getattr(rel, side)
        if kind not in contracts.owner_of:
            known = ", ".join(sorted(contracts.owner_of)) or "none"
            raise BadDeclaration(
                where, f"{rel.name}: no contract tells of the {side} kind {kind!r}", f"Known: {known}."
            )
    if rel.field is not None:
        fields = contracts.fields_of(rel.child)
        if rel.field not in fields:
            raise BadDeclaration(
                where,
                f"{rel.name}: no fact of {rel.child!r} has the field {rel.field!r}",
                f"Its fields are: {', '.join(sorted(fields)) or 'none'}.",
            )
    if rel.asked is not None:
        _check_asked(rel, contracts, where)
    if rel.announce:
        _check_announcement(rel, contracts, where)
    if rel.on_missing.deadline <= timedelta(0) or rel.on_missing.patience < timedelta(0):
        raise BadDeclaration(where, f"{rel.name}: a wait that ends before it begins", "Give a positive deadline.")
    return rel


def _check_asked(rel: Relationship, contracts: Contracts, where: str) -> None:
    asked = rel.asked
    assert asked is not None
    if not rel.exclusive:
        raise BadDeclaration(
            where,
            f"{rel.name}: a counterpart is asked for once",
            "Declare cardinality=ONE_TO_ONE, or use a field.",
        )
    unknown = set(asked.fields) - set(asked.command.model_fields)
    if unknown:
        raise BadDeclaration(
            where,
            f"{rel.name}: {asked.command.__name__} has no field {', '.join(sorted(unknown))}",
            f"Its fields are: {', '.join(asked.command.model_fields)}.",
        )
    required = {n for n, f in asked.command.model_fields.items() if f.is_required()} - set(asked.fields)
    if required:
        raise BadDeclaration(
            where,
            f"{rel.name}: {asked.command.__name__} needs {', '.join(sorted(required))}",
            "Say in Asked(…) which of the parent's fields they come from.",
        )
    missing = set(asked.fields.values()) - contracts.fields_of(rel.parent)
    if missing:
        raise BadDeclaration(
            where,
            f"{rel.name}: no fact of {rel.parent!r} has the field {', '.join(sorted(missing))}",
            f"Its fields are: {', '.join(sorted(contracts.fields_of(rel.parent))) or 'none'}.",
        )


def _check_announcement(rel: Relationship, contracts: Contracts, where: str) -> None:
    if not _ANNOUNCEMENT.fullmatch(rel.announce):
        raise BadDeclaration(
            where,
            f"{rel.name}: {rel.announce!r} is no name of a fact",
            "Use CamelCase, past tense: GroupChannelLinked.",
        )
    if f"{rel.announce}.v1" in contracts.by_type:
        raise BadDeclaration(where, f"{rel.name}: {rel.announce} is an owner's fact", "Announce by another name.")
    if rel.announce in OWN_FACTS:
        raise BadDeclaration(where, f"{rel.name}: {rel.announce} is Tether's own fact", "Announce by another name.")
    if not rel.exclusive:
        raise BadDeclaration(
            where, f"{rel.name}: only one-to-one links are announced", "Follow the feed, or declare ONE_TO_ONE."
        )
