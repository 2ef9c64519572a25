"""Reads owners, facts and commands from imported modules, and refuses mistakes in them at start-up."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from string import Formatter
from types import ModuleType

from catalog import activity_checks, identity_checks, limits, list_checks, version_checks
from catalog.activity import Activity
from catalog.identity import IdentityFact
from catalog.key_forms import KeyForm
from catalog.lists import ElementFact, element_effect
from catalog.message_mapping import MessageMapping
from catalog.registry import OWN_FACTS, Contract, Contracts
from catalog.upcasting import Upcaster
from catalog.vocabulary import Command, ExpectedParentField, Fact, KeyField, Owner
from errors import BadDeclaration

_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_VERSION = re.compile(r"[._-]v([1-9][0-9]*)$", re.IGNORECASE)
"""How a type of another system ends that has a version in it: ``customer.created.v2``."""


def read(modules: Iterable[ModuleType]) -> Contracts:
    """The contracts of all modules. Raises BadDeclaration with the file and the mend."""
    contracts = Contracts()
    for module in modules:
        _read(module, contracts)
    version_checks.check_together(contracts)
    _add_key_forms(contracts)
    for command in contracts.commands:
        if command.deletes:
            _check_deleting(command, contracts)
        if command.erases:
            _check_erasing(command, contracts)
    identity_checks.check_together(contracts)
    activity_checks.check_together(contracts)
    list_checks.check_together(contracts)
    return contracts


def _add_key_forms(contracts: Contracts) -> None:
    for owner in contracts.owners.values():
        for kind, form in owner.keys.items():
            if contracts.owner_of.get(kind) != owner.name:
                raise BadDeclaration(
                    f"the owner {owner.name!r}",
                    f"keys= gives {kind!r} a normal form, which is no kind of this owner",
                    "Name one of its kinds.",
                )
            if not isinstance(form, KeyForm):
                raise BadDeclaration(
                    f"the owner {owner.name!r}",
                    f"keys= gives {kind!r} {form!r}, which is no normal form",
                    "Use Nfc, CaseFolded or Uuid.",
                )
            contracts.key_forms[kind] = form


def check_name(what: str, name: str, where: str) -> None:
    """Checks the size of a declared name; ``what``: "the owner"; ``where``: its file. Raises BadDeclaration."""
    if reason := limits.excess(f"{what} {name[:40]!r}", name, limits.NAME):
        raise BadDeclaration(where, reason, "Give it a shorter name.")


def _read(module: ModuleType, contracts: Contracts) -> None:
    where = str(module.__file__)
    own = [value for value in vars(module).values() if inspect.isclass(value) and value.__module__ == module.__name__]
    facts = [value for value in own if issubclass(value, Fact)]
    commands = [value for value in own if issubclass(value, Command)]
    owner = getattr(module, "OWNER", None)
    if not isinstance(owner, Owner):
        if facts or commands or any(isinstance(value, Upcaster | MessageMapping) for value in vars(module).values()):
            raise BadDeclaration(
                where, "facts or commands without an owner", 'Add OWNER = Owner("name") to the module.'
            )
        return
    check_name("the owner", owner.name, where)
    known_as = contracts.owners.setdefault(owner.name, owner)
    if known_as != owner:
        raise BadDeclaration(where, f"the owner {owner.name!r} has other sources elsewhere", "Declare them alike.")
    for command in commands:
        _check_request(command, where)
        contracts.commands[command] = owner.name
        contracts.declared_in[command] = where
    _add_facts(facts, owner, where, contracts)
    for value in vars(module).values():
        if isinstance(value, Upcaster) and value.function.__module__ == module.__name__:
            version_checks.add_upcaster(contracts, value, owner.name, where)
        elif isinstance(value, MessageMapping) and value.function.__module__ == module.__name__:
            version_checks.add_mapping(contracts, value, owner.name, where)


def _add_facts(facts: Sequence[type[Fact]], owner: Owner, where: str, contracts: Contracts) -> None:
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
        if contract.about is not None:
            contracts.activity[contract.wire_type] = contract
        identity_checks.add_policy(contracts, contract.kind, fact, where)


def _check_request(command: type[Command], where: str) -> None:
    name, fields = command.__name__, command.model_fields
    if command.method not in ("POST", "PUT", "PATCH", "DELETE") or not command.path.startswith("/"):
        raise BadDeclaration(
            where, f"{name} describes no request", f'Write class {name}(Command, method="POST", path="/…").'
        )
    named = _named(command.path)
    if named is None:
        raise BadDeclaration(
            where,
            f"{command.path} cannot be the path of {name}",
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
    """The fields that a path names in braces; None if the path has a query, a fragment, a step of dots, or anything but
    the name of a field in braces."""
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
            f"{name} deletes {kind!r}, but no fact says that one was deleted",
            f'Declare one: class {name}d(Deleted, entity="{kind}").',
        )
    other = contracts.deleting.setdefault(kind, command)
    if other is not command:
        raise BadDeclaration(where, f"{other.__name__} deletes {kind!r} as well", "Let one of them say deletes=….")


def _check_erasing(command: type[Command], contracts: Contracts) -> None:
    """Of an erased entity nothing but its key is known, so nothing else can fill the command."""
    kind, name, where = command.erases, command.__name__, contracts.declared_in[command]
    if contracts.owner_of.get(kind) != contracts.commands[command]:
        raise BadDeclaration(where, f"{name} erases {kind!r}, which its owner does not own", "Name one of its kinds.")
    key = command.marked(KeyField)
    others = sorted(n for n, f in command.model_fields.items() if f.is_required() and n != key)
    if key is None or others:
        raise BadDeclaration(
            where,
            f"{name} erases a {kind}, and nothing fills {', '.join(others) or 'it'}: of an erased entity only the key"
            " is known",
            "Mark one field as Key, and give all others a default.",
        )
    other = contracts.erasing.setdefault(kind, command)
    if other is not command:
        raise BadDeclaration(where, f"{other.__name__} erases {kind!r} as well", "Let one of them say erases=….")


def _contract(fact: type[Fact], owner: Owner, where: str) -> Contract:
    name = fact.fact_name()
    if not _NAME.fullmatch(name):
        raise BadDeclaration(where, f"{name} cannot name a fact", "Use CamelCase in the past tense: GroupCreated.")
    if name in OWN_FACTS:
        raise BadDeclaration(where, f"{name} is the name of a fact of Tether's own", "Give it another name.")
    if fact.declared_type:
        _check_type(fact, where)
    if fact.effect is None and not issubclass(fact, IdentityFact | Activity | ElementFact):
        raise BadDeclaration(where, f"{name} derives from Fact itself", "Derive it from Created, Changed or Deleted.")
    if not _KIND.fullmatch(fact.entity):
        raise BadDeclaration(
            where,
            f"{name} names no kind of entity",
            f'Write class {name}({fact.__mro__[1].__name__}, entity="…").',
        )
    check_name("the kind", fact.entity, where)
    keys = [n for n, f in fact.model_fields.items() if any(isinstance(m, KeyField) for m in f.metadata)]
    if len(keys) > 1:
        raise BadDeclaration(where, f"{name} has several keys: {', '.join(keys)}", "Mark one field as Key.")
    activity_checks.check(fact, where)
    list_checks.check_fact(fact, where)
    key = identity_checks.key_field(fact, where) if issubclass(fact, IdentityFact) else next(iter(keys), None)
    return Contract(
        wire_type=fact.wire_type(),
        name=name,
        version=fact.version,
        kind=fact.entity,
        effect=fact.effect,
        owner=owner.name,
        model=fact,
        key_field=key,
        where=where,
        identity=getattr(fact, "identity", None),
        about=getattr(fact, "activity_of", None),
        element=element_effect(fact),
    )


def _check_type(fact: type[Fact], where: str) -> None:
    """Checks the type of another system that a fact declares."""
    type, name = fact.declared_type, fact.__name__
    if reason := version_checks.check_type(type) or limits.excess("the type", type, limits.ATTRIBUTE):
        raise BadDeclaration(where, f"type={type[:100]!r} of {name} {reason}", "Write it as the other system does.")
    named = _VERSION.search(type)
    if named is not None and int(named[1]) != fact.version:
        raise BadDeclaration(
            where,
            f"type={type!r} of {name} has the version {named[1]} in it, and the class the version {fact.version}",
            f"Declare version={named[1]}.",
        )
