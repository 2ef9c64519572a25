"""Checks of relationships at start-up: each by itself, then all of them together. They raise BadDeclaration."""

import re
from collections.abc import Mapping
from datetime import timedelta

from catalog import command_checks, endless_checks, list_checks
from catalog.registry import OWN_FACTS, Contracts
from catalog.relationship import Relationship
from errors import BadDeclaration

_ANNOUNCEMENT = re.compile(r"[A-Z][A-Za-z0-9]*")


def check_kinds(rel: Relationship, contracts: Contracts, where: str) -> None:
    """Checks that the kinds of a relationship are declared, and have a state; ``where``: its file."""
    for side in ("parent", "child"):
        kind = getattr(rel, side)
        if kind not in contracts.owner_of:
            known = ", ".join(sorted(contracts.owner_of)) or "none"
            raise BadDeclaration(
                where, f"{rel.name}: no contract declares the {side} kind {kind!r}", f"Known: {known}."
            )
    if odd := contracts.feeds & {rel.parent, rel.child}:
        raise BadDeclaration(
            where,
            f"{rel.name}: {', '.join(sorted(odd))} is a feed of activity, which has no state to link",
            "Name a kind of entity.",
        )


def check(rel: Relationship, contracts: Contracts, where: str) -> None:
    """Checks one relationship, whose kinds are declared, against the contracts; ``where``: its file."""
    if rel.field is not None:
        fields = contracts.fields_of(rel.child)
        if rel.root not in fields or not contracts.has_field(rel.child, rel.field):
            raise BadDeclaration(
                where,
                f"{rel.name}: no fact of {rel.child!r} has the field {rel.field!r}",
                f"Its fields are: {', '.join(sorted(fields)) or 'none'}.",
            )
        if not contracts.may_name(rel.child, rel.field):
            raise BadDeclaration(
                where,
                f"{rel.name}: {rel.field!r} of {rel.child!r} cannot hold a key, which is one string or one integer",
                "For many to many, declare MANY_TO_MANY with via=Each(…), or an entity for each pair, which refers to "
                "both; see group_membership.",
            )
    if rel.requested is not None:
        _check_requested(rel, contracts, where)
    list_checks.check(rel, contracts, where)
    command_checks.check_all(rel, contracts, where)
    if rel.announce:
        _check_announcement(rel, contracts, where)
    if rel.on_missing.deadline <= timedelta(0) or rel.on_missing.grace < timedelta(0):
        raise BadDeclaration(where, f"{rel.name}: the wait ends before it begins", "Give a positive deadline.")


def check_together(relationships: Mapping[str, Relationship], where: Mapping[str, str]) -> None:
    """Checks how relationships refer to each other; ``where``: name → file."""
    for name, rel in relationships.items():
        _check_through(rel, relationships, where[name])
    endless_checks.check(relationships, where)


def check_deleting(contracts: Contracts) -> None:
    """Checks that an entity of a kind fills the command that deletes it."""
    for kind, command in contracts.deleting.items():
        command_checks.check(command, kind, contracts, contracts.declared_in[command], f"deletes={kind!r}")


def _check_through(rel: Relationship, relationships: Mapping[str, Relationship], where: str) -> None:
    for field, path in rel.through.items():
        up, down = relationships.get(path.up), relationships.get(path.down)
        if up is None or down is None or up.child != rel.parent or down.parent != up.parent or not down.exclusive:
            raise BadDeclaration(
                where,
                f"{rel.name}: nothing leads from {rel.parent!r} to {field!r} through {path.up} and {path.down}",
                f"`up` must have {rel.parent!r} as its child, and `down`, one-to-one, the parent of `up` as its own.",
            )


def _check_requested(rel: Relationship, contracts: Contracts, where: str) -> None:
    requested = rel.requested
    assert requested is not None
    if not rel.exclusive:
        raise BadDeclaration(
            where,
            f"{rel.name}: only one counterpart is requested",
            "Declare cardinality=ONE_TO_ONE, or use a field.",
        )
    unknown = set(requested.fields) - set(requested.command.model_fields)
    if unknown:
        raise BadDeclaration(
            where,
            f"{rel.name}: {requested.command.__name__} has no field {', '.join(sorted(unknown))}",
            f"Its fields are: {', '.join(requested.command.model_fields)}.",
        )
    odd = set(requested.fields) - set(requested.plain) - set(requested.through)
    if odd:
        raise BadDeclaration(
            where,
            f"{rel.name}: {', '.join(sorted(odd))} of {requested.command.__name__} has no source",
            "Name a field of the parent, or Through(…) two relationships.",
        )
    required = {n for n, f in requested.command.model_fields.items() if f.is_required()} - set(requested.fields)
    if required:
        raise BadDeclaration(
            where,
            f"{rel.name}: {requested.command.__name__} needs {', '.join(sorted(required))}",
            "State in Requested(…) which of the parent's fields they come from.",
        )
    if contracts.addressee(requested.command) != contracts.owner_of[rel.child]:
        raise BadDeclaration(
            where,
            f"{rel.name}: {requested.command.__name__} is not for the owner of {rel.child!r}",
            f"Use a command that is declared beside OWNER = Owner({contracts.owner_of[rel.child]!r}).",
        )
    missing = set(requested.plain.values()) - contracts.fields_of(rel.parent)
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
            f"{rel.name}: {rel.announce!r} cannot name a fact",
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
