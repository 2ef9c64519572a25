"""How a command to a child's owner is filled, and whether it can be."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from catalog.registry import Contracts
from catalog.relationship import Cascade, Detach, Relationship
from catalog.vocabulary import Command, ExpectedParentField, KeyField
from errors import BadDeclaration, Refused


def filled(
    command: type[Command],
    key: str,
    data: Mapping[str, Any],
    *,
    expected_parent: str | None = None,
    target: tuple[str, str] | None = None,
) -> Command:
    """The command about the entity ``key``: by what its fields are marked with, by ``target`` (field, value), and
    else by the entity's own fields of the same names.

    Raises Refused if the entity lacks what the command needs.
    """
    fields = {name: data[name] for name in command.model_fields if name in data}
    if target is not None:
        fields[target[0]] = target[1]
    if (name := command.marked(KeyField)) is not None:
        fields[name] = key
    if (name := command.marked(ExpectedParentField)) is not None:
        fields[name] = expected_parent
    try:
        return command.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Refused(f"{command.__name__} cannot be made for {key!r}: {place}: {first['msg']}") from None


def varies(command: type[Command], target: str | None = None) -> bool:
    """Whether what is asked depends on the entity's own fields, so that it may be another thing at the next attempt;
    ``target``: a field that is given."""
    return bool(set(command.model_fields) - {command.marked(KeyField), command.marked(ExpectedParentField), target})


def check(command: type[Command], kind: str, contracts: Contracts, where: str, name: str, given: str = "") -> None:
    """Whether ``command`` can be asked of the owner of ``kind``, about one of that kind; ``given``: a field that is
    filled by whoever asks. Raises BadDeclaration."""
    owner = contracts.owner_of[kind]
    if contracts.addressee(command) != owner:
        raise BadDeclaration(
            where,
            f"{name}: {command.__name__} is not for {owner!r}, which owns {kind!r}",
            f"Use a command that is declared beside OWNER = Owner({owner!r}).",
        )
    key, fields = command.marked(KeyField), contracts.fields_of(kind)
    required = {n for n, f in command.model_fields.items() if f.is_required()}
    lacking = required - {key, command.marked(ExpectedParentField), given} - fields
    mend = (
        f"Mark the field of the {kind}'s key as Key, or call it like one of the {kind}'s fields: "
        f"{', '.join(sorted(fields)) or 'none'}."
    )
    if lacking:
        lacks = ", ".join(sorted(lacking))
        raise BadDeclaration(where, f"{name}: nothing fills {lacks} of {command.__name__}", mend)
    if key is None and not (required & fields) - {given}:
        raise BadDeclaration(where, f"{name}: {command.__name__} does not say which {kind} it is about", mend)


def check_all(rel: Relationship, contracts: Contracts, where: str) -> None:
    """The commands of a relationship. Raises BadDeclaration."""
    if rel.sweep is not None:
        check(rel.sweep, rel.child, contracts, where, rel.name)
    if isinstance(rel.on_parent_deleted, Cascade) and not contracts.deleted_fact(rel.child):
        raise BadDeclaration(
            where,
            f"{rel.name}: no fact tells that a {rel.child} is gone",
            f'Declare one beside the others of its owner: class …(Deleted, entity="{rel.child}").',
        )
    if rel.detach is not None:
        check(rel.detach, rel.child, contracts, where, rel.name)
    if rel.detach is not None or isinstance(rel.on_parent_deleted, Detach):
        _check_detached(rel, contracts, where)
    if rel.move is not None:
        _check_move(rel, rel.move, contracts, where)


def _check_detached(rel: Relationship, contracts: Contracts, where: str) -> None:
    if rel.field is None or not contracts.may_clear(rel.child, rel.field):
        raise BadDeclaration(
            where,
            f"{rel.name}: no fact tells that a {rel.child} has no {rel.parent} any more",
            f'Declare one beside the others of its owner: class …(Changed, entity="{rel.child}"), '
            f"whose {rel.field} may be None."
            if rel.field
            else "Only relationships with a field can be detached.",
        )


def _check_move(rel: Relationship, move: type[Command], contracts: Contracts, where: str) -> None:
    if rel.field is None or rel.field not in move.model_fields:
        raise BadDeclaration(
            where,
            f"{rel.name}: {move.__name__} does not say where to move to",
            f"Give it a field called {rel.field!r}, like the {rel.child}'s."
            if rel.field
            else "Only relationships with a field can be moved.",
        )
    check(move, rel.child, contracts, where, rel.name, rel.field)
    if not contracts.may_move(rel.child, rel.field):
        raise BadDeclaration(
            where,
            f"{rel.name}: no fact tells that a {rel.child} has moved to another {rel.parent}",
            f'Declare one beside the others of its owner: class …(Changed, entity="{rel.child}"), with {rel.field}.',
        )
