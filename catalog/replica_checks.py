"""Reads replicas from imported modules, and refuses mistakes in them at start-up."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType

from catalog import contract_reader
from catalog.registry import Contracts
from catalog.replica import Replica
from errors import BadDeclaration

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def read(modules: Iterable[ModuleType], contracts: Contracts) -> dict[str, Replica]:
    """The replicas of all modules by name. A module may import one of another module, and begin its name with ``_`` to
    hide it. Raises BadDeclaration with the file and the mend."""
    found = [(module, value) for module in modules for value in _declared(module)]
    at_home = {id(value) for module, value in found if value.name == _stem(module)}
    files: dict[str, str] = {}
    replicas: dict[str, Replica] = {}
    for module, replica in found:
        name, file = replica.name, str(module.__file__)
        if name != _stem(module):
            if id(replica) in at_home:
                continue
            raise BadDeclaration(
                file,
                f"the replica {name!r} is declared in {_stem(module)}.py",
                f"Move it to a file of its own name: {name}.py.",
            )
        if name in files:
            raise BadDeclaration(
                file, f"the replica {name!r} is declared in {files[name]} as well", "Rename one of them."
            )
        files[name], replicas[name] = file, _checked(replica, contracts, file)
    return replicas


def _declared(module: ModuleType) -> list[Replica]:
    """The replicas that a module names, each once."""
    named = {id(v): v for n, v in vars(module).items() if isinstance(v, Replica) and not n.startswith("_")}
    return list(named.values())


def _stem(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _checked(replica: Replica, contracts: Contracts, where: str) -> Replica:
    name, kind = replica.name, replica.of
    contract_reader.check_name("the replica", name, where)
    if not _NAME.fullmatch(name):
        raise BadDeclaration(
            where, f"{name!r} cannot name a replica", "Use small letters, digits and _, beginning with a letter."
        )
    if kind not in contracts.owner_of:
        raise BadDeclaration(
            where,
            f"{name}: no contract declares the kind {kind!r}",
            _nearest(kind, contracts.owner_of) or f"Known: {', '.join(sorted(contracts.owner_of)) or 'none'}.",
        )
    if kind in contracts.feeds:
        raise BadDeclaration(
            where, f"{name}: {kind!r} is a feed of activity, which has no state to copy", "Name a kind of entity."
        )
    _check_fields(replica, contracts.fields_of(kind), where)
    return replace(replica, fields=tuple(replica.fields))


def _check_fields(replica: Replica, known: set[str], where: str) -> None:
    name, fields = replica.name, replica.fields
    given: object = fields
    if isinstance(given, str) or not fields:
        raise BadDeclaration(
            where, f"{name}: fields={given!r} is no list of fields", 'Name at least one: fields=("name",).'
        )
    for field in fields:
        if field not in known:
            raise BadDeclaration(
                where,
                f"{name}: no fact of {replica.of!r} has the field {field!r}",
                _nearest(field, known) or f"Its fields are: {', '.join(sorted(known)) or 'none'}.",
            )
    if twice := sorted({field for field in fields if fields.count(field) > 1}):
        raise BadDeclaration(where, f"{name}: {', '.join(twice)} is named twice", "Name each field once.")


def _nearest(name: str, known: Iterable[str]) -> str:
    """The question whether the known name that is most like ``name`` is meant; empty if none is like it."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"Is {close[0]!r} meant?" if close else ""
