"""Checks of commands at start-up: whether each can be filled, and whether facts exist that confirm it. They raise
BadDeclaration."""

from catalog.registry import Contracts
from catalog.relationship import Cascade, Detach, Relationship
from catalog.vocabulary import Command, ExpectedParentField, KeyField
from errors import BadDeclaration


def check(command: type[Command], kind: str, contracts: Contracts, where: str, name: str, given: str = "") -> None:
    """Checks that the owner of ``kind`` carries out ``command``, and that an entity of that kind fills it.

    ``where``: the file to blame; ``name``: what uses the command; ``given``: a field whose value the request states.
    """
    owner = contracts.owner_of[kind]
    if contracts.addressee(command) != owner:
        raise BadDeclaration(
            where,
            f"{name}: {command.__name__} is not for {owner!r}, which owns {kind!r}",
            f"Use a command that is declared beside OWNER = Owner({owner!r}).",
        )
    key, fields = command.marked(KeyField), contracts.fields_of(kind)
    required = {n for n, f in command.model_fields.items() if f.is_required()}
    unfilled = required - {key, command.marked(ExpectedParentField), given} - fields
    mend = (
        f"Mark the field of the {kind}'s key as Key, or name it like one of the {kind}'s fields: "
        f"{', '.join(sorted(fields)) or 'none'}."
    )
    if unfilled:
        missing = ", ".join(sorted(unfilled))
        raise BadDeclaration(where, f"{name}: nothing fills {missing} of {command.__name__}", mend)
    if key is None and not (required & fields) - {given}:
        raise BadDeclaration(where, f"{name}: {command.__name__} does not say which {kind} it is about", mend)


def check_all(rel: Relationship, contracts: Contracts, where: str) -> None:
    """Checks the commands of a relationship; ``where``: its file."""
    if rel.sweep is not None:
        check(rel.sweep, rel.child, contracts, where, rel.name)
    if isinstance(rel.on_parent_deleted, Cascade) and not contracts.deleted_fact(rel.child):
        raise BadDeclaration(
            where,
            f"{rel.name}: no fact says that a {rel.child} was deleted",
            f'Declare one beside the others of its owner: class …(Deleted, entity="{rel.child}").',
        )
    if rel.detach is not None:
        check(rel.detach, rel.child, contracts, where, rel.name)
    if not rel.many and (rel.detach is not None or isinstance(rel.on_parent_deleted, Detach)):
        _check_detached(rel, contracts, where)
    if rel.move is not None:
        _check_move(rel, rel.move, contracts, where)


def _check_detached(rel: Relationship, contracts: Contracts, where: str) -> None:
    if rel.field is None or not contracts.may_clear(rel.child, rel.field):
        raise BadDeclaration(
            where,
            f"{rel.name}: no fact says that a {rel.child} no longer has a {rel.parent}",
            f'Declare one beside the others of its owner: class …(Changed, entity="{rel.child}"), '
            f"whose {rel.field} may be None."
            if rel.field
            else "Only relationships with a field can be detached.",
        )


def _check_move(rel: Relationship, move: type[Command], contracts: Contracts, where: str) -> None:
    if rel.many:
        target = rel.parameter
        if target is None:
            mend = f"Mark the field that gets the new {rel.parent} as Element."
            raise BadDeclaration(where, f"{rel.name}: {move.__name__} does not say where to move to", mend)
        check(move, rel.child, contracts, where, rel.name, target)
        return
    if rel.field is None or rel.parameter not in move.model_fields:
        raise BadDeclaration(
            where,
            f"{rel.name}: {move.__name__} does not say where to move to",
            f"Give it a field named {rel.parameter!r}, like the {rel.child}'s."
            if rel.field
            else "Only relationships with a field can be moved.",
        )
    check(move, rel.child, contracts, where, rel.name, rel.parameter or "")
    if not contracts.may_move(rel.child, rel.field):
        raise BadDeclaration(
            where,
            f"{rel.name}: no fact says that a {rel.child} has moved to another {rel.parent}",
            f'Declare one beside the others of its owner: class …(Changed, entity="{rel.child}"), with {rel.field}.',
        )
