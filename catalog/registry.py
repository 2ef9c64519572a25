"""Finds the declared owners, facts and commands, and refuses mistakes at start-up."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from types import ModuleType

from catalog.vocabulary import Command, Effect, ExpectedParentField, Fact, KeyField, Owner
from errors import BadDeclaration

OWN_SOURCE = "/tether"
"""The source of facts that Tether itself records; nobody else may use it."""

OWN_FACTS = ("Linked", "Unlinked", "RelationshipOverdue", "RelationshipDeclared")
"""The names of those facts, announcements apart, which relationships declare."""

_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KEYS = {"string", "integer"}
"""The JSON types that a key may have."""


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
    """All that owners tell, and can be asked."""

    by_type: dict[str, Contract] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    owner_of: dict[str, str] = field(default_factory=dict)
    """kind → the owner's name."""
    commands: dict[type[Command], str] = field(default_factory=dict)
    """command → the name of the owner that it is for."""
    deleting: dict[str, type[Command]] = field(default_factory=dict)
    """kind → the command that deletes one of it."""
    declared_in: dict[type[Command], str] = field(default_factory=dict)
    """command → its file."""

    def addressee(self, command: type[Command]) -> str | None:
        """The name of the owner that a command is for, by whatever name its file was imported; None: nobody's."""
        if command in self.commands:
            return self.commands[command]
        file = Path(inspect.getfile(command)).resolve()
        alike = ((c, where) for c, where in self.declared_in.items() if c.__name__ == command.__name__)
        return next((self.commands[c] for c, where in alike if Path(where).resolve() == file), None)

    def created_fact(self, kind: str) -> str:
        """The name of the fact that brings this kind into being; empty if none is declared."""
        return self._fact(kind, Effect.CREATED)

    def deleted_fact(self, kind: str) -> str:
        """The name of the fact that ends one of this kind; empty if none is declared."""
        return self._fact(kind, Effect.DELETED)

    def deleted_types(self, kind: str) -> list[str]:
        """The wire types of the facts that end one of this kind."""
        return sorted(t for t, c in self.by_type.items() if c.kind == kind and c.effect is Effect.DELETED)

    def _fact(self, kind: str, effect: Effect) -> str:
        names = [c.name for c in self.by_type.values() if c.kind == kind and c.effect is effect]
        return names[0] if names else ""

    def fields_of(self, kind: str) -> set[str]:
        """Every field that some fact of this kind declares."""
        return {name for c in self.by_type.values() if c.kind == kind for name in c.model.model_fields}

    def may_name(self, kind: str, field: str) -> bool:
        """Whether a field of this kind can hold a key, which is one text or one integer: no list, no number."""
        return bool(self._types(kind, field, tuple(Effect)) & _KEYS)

    def may_move(self, kind: str, field: str) -> bool:
        """Whether a fact can tell that this field of something that is there names another key now."""
        return bool(self._types(kind, field, (Effect.CHANGED,)) & _KEYS)

    def may_clear(self, kind: str, field: str) -> bool:
        """Whether a fact can tell that this field names nothing."""
        return "null" in self._types(kind, field, (Effect.CREATED, Effect.CHANGED))

    def _types(self, kind: str, field: str, effects: Collection[Effect]) -> set[str]:
        """The JSON types that facts of these effects declare a field to have. What names none is taken for a text,
        and for null too if nothing else limits it."""
        found: set[str] = set()
        for contract in self.by_type.values():
            if contract.kind == kind and contract.effect in effects and field in contract.model.model_fields:
                shape = contract.model.model_json_schema(by_alias=False)["properties"][field]
                for part in shape.get("anyOf", [shape]):
                    found.add(part.get("type", "string"))
                    if not part.keys() & {"type", "$ref", "enum", "const"}:
                        found.add("null")
        return found


def read(modules: Iterable[ModuleType]) -> Contracts:
    """Collects what the modules declare. Raises BadDeclaration with the file and the mend."""
    contracts = Contracts()
    for module in modules:
        _read(module, contracts)
    for command in contracts.commands:
        if command.deletes:
            _check_deleting(command, contracts)
    return contracts


def _read(module: ModuleType, contracts: Contracts) -> None:
    where = str(module.__file__)
    own = [value for value in vars(module).values() if inspect.isclass(value) and value.__module__ == module.__name__]
    facts = [value for value in own if issubclass(value, Fact)]
    asked = [value for value in own if issubclass(value, Command)]
    owner = getattr(module, "OWNER", None)
    if not isinstance(owner, Owner):
        if facts or asked:
            raise BadDeclaration(
                where, "facts or commands without an owner", 'Add OWNER = Owner("name") to the module.'
            )
        return
    known_as = contracts.owners.setdefault(owner.name, owner)
    if known_as != owner:
        raise BadDeclaration(where, f"the owner {owner.name!r} has other sources elsewhere", "Declare them alike.")
    for command in asked:
        _check_request(command, where)
        contracts.commands[command] = owner.name
        contracts.declared_in[command] = where
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


def _check_request(command: type[Command], where: str) -> None:
    name, fields = command.__name__, command.model_fields
    if command.method not in ("POST", "PUT", "PATCH", "DELETE") or not command.path.startswith("/"):
        raise BadDeclaration(
            where, f"{name} says no request", f'Write class {name}(Command, method="POST", path="/…").'
        )
    named = _named(command.path)
    if named is None:
        raise BadDeclaration(
            where,
            f"{command.path} is no path for {name}",
            "Use plain steps and the names of fields in braces: /teams/{team_id}.",
        )
    unknown = named - set(fields)
    if unknown:
        raise BadDeclaration(
            where,
            f"the path of {name} names {', '.join(sorted(unknown))}, which it does not have",
            f"Its fields are: {', '.join(fields) or 'none'}.",
        )
    for mark, word in ((KeyField, "Key"), (ExpectedParentField, "ExpectedParent")):
        marked = [n for n, f in fields.items() if any(isinstance(m, mark) for m in f.metadata)]
        if len(marked) > 1:
            raise BadDeclaration(
                where, f"{name} has several fields marked {word}: {', '.join(marked)}", f"Mark one field as {word}."
            )


def _named(path: str) -> set[str] | None:
    """The fields that a path names; None if it would not stay the path that it is."""
    try:
        parts = list(Formatter().parse(path))
    except ValueError:
        return None
    literal = "{}".join(text for text, _, _, _ in parts)
    plain = all(name is None or (name.isidentifier() and not spec and not how) for _, name, spec, how in parts)
    if not plain or set(literal) & set("?#\\") or {".", ".."} & set(literal.split("/")):
        return None
    return {name for _, name, _, _ in parts if name is not None}


def _check_deleting(command: type[Command], contracts: Contracts) -> None:
    kind, name, where = command.deletes, command.__name__, contracts.declared_in[command]
    if contracts.owner_of.get(kind) != contracts.commands[command]:
        raise BadDeclaration(where, f"{name} deletes {kind!r}, which its owner does not own", "Name one of its kinds.")
    if not contracts.deleted_fact(kind):
        raise BadDeclaration(
            where,
            f"{name} deletes {kind!r}, but no fact tells that one is gone",
            f'Declare one: class {name}d(Deleted, entity="{kind}").',
        )
    other = contracts.deleting.setdefault(kind, command)
    if other is not command:
        raise BadDeclaration(where, f"{other.__name__} deletes {kind!r} as well", "Let one of them say deletes=….")


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
