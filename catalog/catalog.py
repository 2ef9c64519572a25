"""The catalog: all contracts and relationships in force, checked against each other at start-up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType

from catalog import contract_reader, discovery, identity_checks, list_checks, relationship_checks, replica_checks
from catalog.columns import RelationshipColumns
from catalog.registry import Contracts
from catalog.relationship import RESTRICT, Cascade, Relationship
from catalog.replica import Replica
from catalog.upcasting import meaning
from catalog.vocabulary import OnSequenceRestart
from errors import BadDeclaration, Unknown


@dataclass(frozen=True)
class Catalog:
    """Everything that is declared: contracts by wire type, relationships and replicas by name."""

    contracts: Contracts
    relationships: dict[str, Relationship] = field(default_factory=dict)
    replicas: dict[str, Replica] = field(default_factory=dict)

    @cached_property
    def by_child(self) -> dict[str, tuple[Relationship, ...]]:
        """child kind → the relationships it is the child in."""
        return self._by("child")

    @cached_property
    def by_parent(self) -> dict[str, tuple[Relationship, ...]]:
        """parent kind → the relationships it is the parent in."""
        return self._by("parent")

    @cached_property
    def references(self) -> dict[str, tuple[Relationship, ...]]:
        """child kind → the relationships in which it refers to at most one parent."""
        return self._by("child", lambda r: not r.many)

    @cached_property
    def referred(self) -> dict[str, tuple[Relationship, ...]]:
        """parent kind → the relationships in which children refer to it as their only parent."""
        return self._by("parent", lambda r: not r.many)

    @cached_property
    def listing(self) -> dict[str, tuple[Relationship, ...]]:
        """kind → the relationships in which it lists the keys of others."""
        return self._by("listing_kind", lambda r: r.many)

    @cached_property
    def listed(self) -> dict[str, tuple[Relationship, ...]]:
        """kind → the relationships in which others list its keys."""
        return self._by("element_kind", lambda r: r.many)

    @cached_property
    def named(self) -> dict[str, tuple[Relationship, ...]]:
        """kind → the relationships in which links name it, and wait for it while it is missing."""
        return self._by("element_kind")

    @cached_property
    def sweeping(self) -> dict[str, tuple[Relationship, ...]]:
        """parent kind → the relationships whose children are deleted or detached with their parent."""
        return self._by("parent", lambda r: r.sweep is not None)

    @cached_property
    def restarting(self) -> frozenset[str]:
        """Kinds whose owners begin their sequences again when a deleted key is used again."""
        owners, again = self.contracts.owners, OnSequenceRestart.NEW_INCARNATION
        kinds = self.contracts.owner_of.items()
        return frozenset(kind for kind, owner in kinds if owners[owner].on_sequence_restart is again)

    def redeclared(self, restarting: Collection[str]) -> set[str]:
        """Declared kinds of which restarts mean something else than when the kinds that restarted were these."""
        return {kind for kind in self.contracts.owner_of if (kind in self.restarting) != (kind in restarting)}

    @cached_property
    def meanings(self) -> dict[str, str]:
        """By what facts are read: declaration → what it does. Tables that were folded by another one differ."""
        found = {
            f"upcast {type}": " ".join(f"{step.new.wire_type()} {meaning(step.function)}" for step in reading.steps)
            for type, reading in self.contracts.readings.items()
        }
        return found | {f"key {kind}": form.value for kind, form in self.contracts.key_forms.items()}

    @cached_property
    def meaning_lines(self) -> list[str]:
        """The same as lines, declaration and what it does with a line break between, sorted by their bytes."""
        return sorted((f"{name}\n{does}" for name, does in self.meanings.items()), key=str.encode)

    def reread(self, stored: Mapping[str, str]) -> set[str]:
        """Declarations of types and kinds of this catalog by which facts are read otherwise than by the stored ones."""
        known = self.contracts.by_type.keys() | self.contracts.owner_of.keys()
        names = {name for name in self.meanings.keys() | stored if name.partition(" ")[2] in known}
        return {name for name in names if self.meanings.get(name, "") != stored.get(name, "")}

    @cached_property
    def requesting(self) -> dict[str, tuple[Relationship, ...]]:
        """parent kind → the relationships whose missing child a command requests."""
        return self._by("parent", lambda r: r.requested is not None)

    @cached_property
    def restricted(self) -> frozenset[str]:
        """Kinds whose deletion children may restrict: their own children, or those of entities deleted with them."""
        found = {r.parent for r in self.relationships.values() if r.on_parent_deleted is RESTRICT}
        cascades = [r for r in self.relationships.values() if isinstance(r.on_parent_deleted, Cascade)]
        while more := {r.parent for r in cascades if r.child in found} - found:
            found |= more
        return frozenset(found)

    @cached_property
    def leading(self) -> dict[str, tuple[tuple[Relationship, str], ...]]:
        """down → the relationships whose commands need a key that is found ``Through(up, down)``, each with its up."""
        found: dict[str, tuple[tuple[Relationship, str], ...]] = {}
        for relationship in self.relationships.values():
            for path in relationship.through.values():
                found[path.down] = (*found.get(path.down, ()), (relationship, path.up))
        return found

    @cached_property
    def led_up(self) -> dict[str, tuple[Relationship, ...]]:
        """up → the relationships whose commands need a key that is found ``Through(up, down)``."""
        found: dict[str, tuple[Relationship, ...]] = {}
        for relationship in self.relationships.values():
            ups = {path.up for path in relationship.through.values()}
            for up in ups:
                found[up] = (*found.get(up, ()), relationship)
        return found

    def columns(self, relationships: Iterable[Relationship] | None = None) -> RelationshipColumns:
        """These relationships as columns for a query; all that are declared, if none are given."""
        wanted = self.relationships.values() if relationships is None else relationships
        return RelationshipColumns(tuple(wanted), self.contracts.owner_of)

    def _by(
        self, side: str, wanted: Callable[[Relationship], bool] = lambda r: True
    ) -> dict[str, tuple[Relationship, ...]]:
        """The relationships that are wanted, by the kind that is on a side of them."""
        found = [r for r in self.relationships.values() if wanted(r)]
        kinds = {getattr(r, side) for r in found}
        return {kind: tuple(r for r in found if getattr(r, side) == kind) for kind in kinds}

    def relationship(self, name: str) -> Relationship:
        """The relationship of that name; raises Unknown if none is declared."""
        try:
            return self.relationships[name]
        except KeyError:
            known = ", ".join(sorted(self.relationships)) or "none"
            raise Unknown(f"no relationship {name!r}; declared are: {known}") from None

    def replica(self, name: str) -> Replica:
        """The replica of that name; raises Unknown if none is declared."""
        try:
            return self.replicas[name]
        except KeyError:
            known = ", ".join(sorted(self.replicas)) or "none"
            raise Unknown(f"no replica {name!r}; declared are: {known}") from None

    def owner_of(self, kind: str) -> str:
        """The owner's name; raises Unknown for a kind that is not declared."""
        try:
            return self.contracts.owner_of[kind]
        except KeyError:
            known = ", ".join(sorted(self.contracts.owner_of)) or "none"
            raise Unknown(f"no kind of entity {kind!r}; declared are: {known}") from None


def load(directories: Sequence[Path | str] = (), *, own: bool = True) -> Catalog:
    """Reads Tether's own declarations and those of mounted directories, checked one by one and against each other.

    ``own``: False leaves Tether's own ones out. Raises BadDeclaration, which names the file and the mend.
    """
    found = list(discovery.modules((Path(directory) for directory in directories), own=own))
    contracts = contract_reader.read(found)
    files: dict[str, str] = {}
    relationships: dict[str, Relationship] = {}
    for module, declared in _declared(found):
        declared = replace(declared, parent_form=contracts.key_forms.get(declared.parent))
        name, file = declared.name, str(module.__file__)
        if name in files:
            raise BadDeclaration(file, f"{name} is declared in {files[name]} as well", "Rename one of them.")
        contract_reader.check_name("the relationship", name, file)
        relationship_checks.check_kinds(declared, contracts, file)
        declared = list_checks.resolved(declared, contracts, file)
        declared = replace(declared, element_form=contracts.key_forms.get(declared.element_kind))
        files[name], relationships[name] = file, declared
        relationship_checks.check(declared, contracts, file)
    relationship_checks.check_together(relationships, files)
    relationship_checks.check_deleting(contracts)
    identity_checks.check_retiring(contracts)
    return Catalog(contracts, relationships, replica_checks.read(found, contracts))


def _declared(modules: Sequence[ModuleType]) -> Iterator[tuple[ModuleType, Relationship]]:
    """Each relationship with the module that declares it, which has its name. Raises BadDeclaration for a relationship
    in a module of another name, unless that module imports it."""
    found = [
        (module, name, value)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Relationship) and not name.startswith("_")
    ]
    at_home = {id(value) for module, name, value in found if name == _stem(module)}
    for module, name, value in found:
        if name == _stem(module):
            yield module, replace(value, name=name)
        elif id(value) not in at_home:
            raise BadDeclaration(
                str(module.__file__),
                f"the relationship {name} is declared in {_stem(module)}.py",
                f"Move it to a file of its own name: {name}.py.",
            )


def _stem(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]
