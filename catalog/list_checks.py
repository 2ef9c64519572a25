"""Checks of lists of keys at start-up: the facts that change one element, and the relationships by lists. They raise
BadDeclaration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from catalog.lists import Each, ElementFact, ElementField, Removed, Side
from catalog.registry import Contracts
from catalog.relationship import FINISH, MANY_TO_MANY, Cascade, Detach, OnMerge, Orchestrate, Relationship
from catalog.vocabulary import Effect, Fact
from errors import BadDeclaration

_ALIKE = "Declare MANY_TO_MANY with via=Each(…), or another cardinality with a field that holds one key."


def check_fact(fact: type[Fact], where: str) -> None:
    """Checks one class by itself, if it changes an element of a list; ``where``: its file."""
    if not issubclass(fact, ElementFact):
        return
    name, base = fact.__name__, fact.__mro__[1].__name__
    if fact.effect is not None:
        raise BadDeclaration(
            where, f"{name} changes a list and has an effect on its entity", f"Derive it from {base} alone."
        )
    if not fact.each:
        raise BadDeclaration(
            where,
            f"{name} does not say which list it changes",
            f'Write class {name}({base}, entity="…", each="…"), with the field that holds the list.',
        )
    marked = [n for n, f in fact.model_fields.items() if any(isinstance(m, ElementField) for m in f.metadata)]
    if len(marked) != 1 or not fact.model_fields[marked[0]].is_required():
        found = f"has several fields marked Element: {', '.join(marked)}" if len(marked) > 1 else "names no element"
        raise BadDeclaration(where, f"{name} {found}", "Mark one field as Element, without null and without a default.")


def resolved(rel: Relationship, contracts: Contracts, where: str) -> Relationship:
    """The relationship with the side that has its list; itself if it has none. ``where``: its file."""
    if not isinstance(rel.via, Each):
        if rel.cardinality is MANY_TO_MANY:
            raise BadDeclaration(where, f"{rel.name}: many to many by a field that holds one key", _ALIKE)
        return rel
    if rel.cardinality is not MANY_TO_MANY:
        raise BadDeclaration(
            where,
            f"{rel.name}: a list names many, also a child that another {rel.parent} names",
            _ALIKE,
        )
    return replace(rel, via=Each(rel.via.field, _side(rel, rel.via, contracts, where)))


def _side(rel: Relationship, via: Each, contracts: Contracts, where: str) -> Side:
    kinds: dict[Side, str] = {"child": rel.child, "parent": rel.parent}
    sides: list[Side] = [side for side, kind in kinds.items() if via.field in contracts.fields_of(kind)]
    sides = [side for side in sides if via.of in (None, side)]
    if rel.child == rel.parent and via.of is None:
        sides = sides[:1]  # of two entities of one kind, the one that lists is the child
    if not sides:
        wanted = " or ".join(dict.fromkeys(kinds.values() if via.of is None else [kinds[via.of]]))
        raise BadDeclaration(
            where,
            f"{rel.name}: no fact of {wanted} has the field {via.field!r}",
            f"Name the field with the list: {_lists(contracts, kinds.values()) or 'no fact has one'}.",
        )
    if len(sides) > 1:
        raise BadDeclaration(
            where,
            f"{rel.name}: facts of {rel.child!r} and of {rel.parent!r} have the field {via.field!r}",
            f'Say whose list it is: Each({via.field!r}, of="child") or Each({via.field!r}, of="parent").',
        )
    if not contracts.may_list(kinds[sides[0]], via.field):
        raise BadDeclaration(
            where,
            f"{rel.name}: {via.field!r} of {kinds[sides[0]]!r} cannot hold a list",
            f"Declare it as `{via.field}: list[str]`.",
        )
    return sides[0]


def _lists(contracts: Contracts, kinds: Iterable[str]) -> str:
    found = {field for kind in kinds for field in contracts.fields_of(kind) if contracts.may_list(kind, field)}
    return ", ".join(sorted(found))


def check(rel: Relationship, contracts: Contracts, where: str) -> None:
    """Checks what a relationship by a list declares besides; ``where``: its file."""
    policy = rel.on_parent_deleted
    if not rel.many:
        if isinstance(policy, Cascade) and policy.on_shared is not None:
            raise BadDeclaration(where, f"{rel.name}: no child has other parents", "Leave on_shared out.")
        return
    for declared, what in (
        (rel.on_merge is not OnMerge.REFUSE, "on_merge: all links of merged entities count"),
        (rel.orchestrate is Orchestrate.ALWAYS, "orchestrate: only what waits has a workflow"),
    ):
        if declared:
            raise BadDeclaration(where, f"{rel.name} is many to many and declares {what}", "Leave it out.")
    if isinstance(policy, Cascade) and policy.on_shared is None:
        raise BadDeclaration(
            where,
            f"{rel.name}: its cascade does not say what becomes of a {rel.child} that has other parents",
            f"Say on_shared=SKIP (it stays while another {rel.parent} has it) or on_shared=REQUEST (it is deleted).",
        )
    if rel.parent_lists:
        _check_parent_lists(rel, where)
    elif rel.detach is not None or isinstance(policy, Detach):
        _check_detached(rel, contracts, where)


def _check_parent_lists(rel: Relationship, where: str) -> None:
    policy = rel.on_parent_deleted
    if rel.detach is not None or rel.move is not None or isinstance(policy, Detach):
        raise BadDeclaration(
            where,
            f"{rel.name}: the {rel.parent} has the list, and no owner of a {rel.child} can change it",
            f"Leave move and detach out: the list ends with its {rel.parent}.",
        )
    if isinstance(policy, Cascade) and policy.on_recreated is FINISH:
        raise BadDeclaration(
            where,
            f"{rel.name}: a {rel.parent} that is created again begins with another list",
            "Leave on_recreated out.",
        )


def _check_detached(rel: Relationship, contracts: Contracts, where: str) -> None:
    if not _may_remove(rel, contracts):
        raise BadDeclaration(
            where,
            f"{rel.name}: no fact says that a {rel.child} no longer has a {rel.parent}",
            f'Declare one beside the others of its owner: class …(Removed, entity="{rel.child}", '
            f'each="{rel.list_field}"), or a Changed with {rel.list_field}.',
        )


def _may_remove(rel: Relationship, contracts: Contracts) -> bool:
    assert rel.list_field is not None
    changed = contracts.may_list(rel.child, rel.list_field, (Effect.CHANGED,))
    return changed or any(
        issubclass(c.model, Removed) and c.kind == rel.child and c.model.each == rel.list_field
        for c in contracts.by_type.values()
    )


def check_together(contracts: Contracts) -> None:
    """Checks facts that change an element against those that carry the list."""
    for contract in contracts.by_type.values():
        if contract.element is not None and contract.element.each not in contracts.fields_of(contract.kind):
            raise BadDeclaration(
                contract.where,
                f"{contract.name} changes {contract.element.each!r}, which no fact of {contract.kind!r} carries",
                f"Name a list of {contract.kind!r}: {_lists(contracts, [contract.kind]) or 'no fact has one'}.",
            )
