"""The catalog: every contract and relationship in force, checked against each other at start-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from catalog import checks, registry
from catalog.discovery import ROOT, modules
from catalog.registry import Contracts
from catalog.relationship import RESTRICT, Cascade, Relationship
from errors import BadDeclaration, Unknown


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

    @cached_property
    def sweeping(self) -> dict[str, tuple[Relationship, ...]]:
        """parent kind → the relationships whose children are to be deleted or detached when one of it is gone."""
        found = {kind: tuple(r for r in rels if r.sweep is not None) for kind, rels in self.by_parent.items()}
        return {kind: rels for kind, rels in found.items() if rels}

    @cached_property
    def restricted(self) -> frozenset[str]:
        """Kinds whose deletion a child may restrict: its own, or one of what would be deleted with it."""
        found = {r.parent for r in self.relationships.values() if r.on_parent_deleted is RESTRICT}
        cascades = [r for r in self.relationships.values() if isinstance(r.on_parent_deleted, Cascade)]
        while more := {r.parent for r in cascades if r.child in found} - found:
            found |= more
        return frozenset(found)

    @cached_property
    def leading(self) -> dict[str, tuple[tuple[Relationship, str], ...]]:
        """relationship → those that need what it leads to, each with the relationship that leads up to it."""
        found: dict[str, tuple[tuple[Relationship, str], ...]] = {}
        for relationship in self.relationships.values():
            for path in relationship.through.values():
                found[path.down] = (*found.get(path.down, ()), (relationship, path.up))
        return found

    @cached_property
    def led_up(self) -> dict[str, tuple[Relationship, ...]]:
        """relationship → those that need what lies beyond the parent to which it leads up."""
        found: dict[str, tuple[Relationship, ...]] = {}
        for relationship in self.relationships.values():
            ups = {path.up for path in relationship.through.values()}
            for up in ups:
                found[up] = (*found.get(up, ()), relationship)
        return found

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
                catalog.relationships[name] = replace(value, name=name)
                checks.check(catalog.relationships[name], contracts, file)
    checks.check_together(catalog.relationships, where)
    checks.check_deleting(contracts)
    return catalog
