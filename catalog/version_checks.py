"""Checks of upcasters and of message mappings at start-up. They raise BadDeclaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from catalog.identity import IdentityFact
from catalog.message_mapping import MessageMapping
from catalog.registry import OWN_FACTS, Contract, Contracts, Reading
from catalog.upcasting import Upcaster
from catalog.vocabulary import Changed, Fact
from errors import BadDeclaration


def add_upcaster(contracts: Contracts, upcaster: Upcaster, owner: str, where: str) -> None:
    """Adds an upcaster to the contracts, of which its owner's are complete. ``where``: its file."""
    name = f"the upcaster {upcaster.function.__name__}"
    old, new = (_declared(contracts, fact, owner, name, where) for fact in (upcaster.old, upcaster.new))
    if issubclass(upcaster.old, IdentityFact) or old.element is not None:
        what = "identity" if old.element is None else "an element of a list"
        raise BadDeclaration(
            where,
            f"{name}: {old.wire_type} is about {what}, and is read as it is",
            "Remove the upcaster: each version names its own fields, as in survivor=….",
        )
    if (old.kind, old.effect, _about(old)) != (new.kind, new.effect, _about(new)):
        raise BadDeclaration(
            where,
            f"{name}: {old.wire_type} is a fact of {old.kind!r} and {new.wire_type} one of {new.kind!r}, or their"
            " effects differ",
            "An upcaster changes data only: let both be of one kind and derive from the same of Created, Changed,"
            " Deleted and Activity; or map messages of the old type to facts with @maps.",
        )
    for source, target in contracts.upcasters:
        if source == old.wire_type:
            raise BadDeclaration(
                where,
                f"{name}: {old.wire_type} is read as {target} already, and can be read in one way only",
                "Remove one of them; versions form a chain: v1 → v2, v2 → v3.",
            )
    _check_empty_change(upcaster, name, old, where)
    contracts.upcasters[old.wire_type, new.wire_type] = upcaster


def _declared(contracts: Contracts, fact: type[Fact], owner: str, name: str, where: str) -> Contract:
    found = contracts.by_type.get(fact.wire_type())
    if found is None or found.model is not fact or found.owner != owner:
        raise BadDeclaration(
            where,
            f"{name}: {fact.__name__} is no fact that {owner!r} declares",
            "Name two classes of facts that are declared beside the upcaster's owner.",
        )
    return found


def _about(contract: Contract) -> str | None:
    return None if contract.about is None else contract.about.kind


def _check_empty_change(upcaster: Upcaster, name: str, old: Contract, where: str) -> None:
    """A change that says nothing has to be read as one that says nothing: what an upcaster adds would replace what
    newer releases have said."""
    if not issubclass(upcaster.old, Changed) or any(f.is_required() for f in upcaster.old.model_fields.values()):
        return
    try:
        found = upcaster({})
    except Exception as error:  # whatever a user's function raises is a mistake in that function
        raise BadDeclaration(
            where,
            f"{name} raises {type(error).__name__}: {error} for a {old.wire_type} without fields",
            "All of its fields are optional: leave out what it does not have, as with `if name in data`.",
        ) from error
    if found != {}:
        raise BadDeclaration(
            where,
            f"{name} gives {found!r} for a {old.wire_type} without fields, which would replace what newer facts say",
            "Leave out what the older fact says nothing of; a default belongs to the class, as in `locale: str = …`.",
        )


def check_together(contracts: Contracts) -> None:
    """Checks types of other systems against those of all facts, and follows the chains of upcasters."""
    for type, contract in contracts.by_type.items():
        if contract.model.declared_type and f"{type}.v1" in contracts.by_type:
            raise BadDeclaration(
                contract.where,
                f"type={type!r} of {contract.name} is what {type}.v1 is called without its version",
                "Give one of the two another type.",
            )
    for type, mapping in contracts.mappings.items():
        if type in contracts.by_type or f"{type}.v1" in contracts.by_type:
            raise BadDeclaration(
                mapping.where,
                f"the mapping {mapping.function.__name__}: {type!r} is the type of a declared fact",
                "Name the type of the other system's messages; their facts have types of their own.",
            )
    _add_readings(contracts)


def _add_readings(contracts: Contracts) -> None:
    """Follows the chains of upcasters, once all are known. Raises BadDeclaration for one without an end."""
    steps: Mapping[str, tuple[str, Upcaster]] = {old: (new, one) for (old, new), one in contracts.upcasters.items()}
    for published in steps:
        chain, at = list[Upcaster](), published
        while at in steps:
            following, upcaster = steps[at]
            if len(chain) == len(steps):
                raise BadDeclaration(
                    contracts.by_type[at].where,
                    f"the upcasters of {at} lead back to it",
                    "Let each lead from an older version to a newer one.",
                )
            chain.append(upcaster)
            at = following
        contracts.readings[published] = Reading(contracts.by_type[at], tuple(chain))


def add_mapping(contracts: Contracts, mapping: MessageMapping, owner: str, where: str) -> None:
    """Adds a message mapping to the contracts, of which its owner's are complete. ``where``: its file."""
    name = f"the mapping {mapping.function.__name__} of {mapping.type!r}"
    if reason := check_type(mapping.type):
        raise BadDeclaration(where, f"{name}: {reason}", "Write the type as the other system does.")
    if (known := contracts.mappings.get(mapping.type)) is not None:
        raise BadDeclaration(where, f"{name}: is mapped in {known.where} as well", "Remove one of them.")
    if not mapping.to:
        raise BadDeclaration(where, f"{name}: gives no fact", "Name its facts: to=(IssueOpened, …).")
    for fact in mapping.to:
        _declared(contracts, fact, owner, name, where)
    contracts.mappings[mapping.type] = replace(mapping, owner=owner, where=where)


def check_type(type: str) -> str:
    """What is wrong with a declared type; empty: nothing."""
    if not type or not type.isascii() or not type.isprintable() or " " in type:
        return "is no type: a text of printable ASCII characters without spaces"
    if type.removesuffix(".v1") in OWN_FACTS:
        return "is the name of a fact of Tether's own"
    return ""
