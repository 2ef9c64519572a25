"""Checks of facts about identity at start-up. They raise BadDeclaration."""

from __future__ import annotations

from catalog import command_checks
from catalog.identity import IdentityFact, Merged, MergeForbidden, MergeForbiddenLifted, MergePolicy, Unmerged
from catalog.registry import Contracts
from catalog.vocabulary import Fact, KeyField
from errors import BadDeclaration


def key_field(fact: type[IdentityFact], where: str) -> str | None:
    """The field with the key that the fact is about: the survivor, or the first of a pair.

    None: its subject is the loser. Raises BadDeclaration if fields are missing; ``where``: the file.
    """
    name, fields = fact.__name__, fact.model_fields
    if issubclass(fact, Merged | Unmerged):
        if fact.survivor_field not in fields:
            raise BadDeclaration(
                where,
                f"{name} has no field {fact.survivor_field!r}, which names the survivor",
                'Add it as a str, or name another one: class …(Merged, entity="…", survivor="into").',
            )
        return fact.survivor_field if fact.losers_field in fields else None
    if issubclass(fact, MergeForbidden | MergeForbiddenLifted):
        if missing := {"one", "other"} - fields.keys():
            raise BadDeclaration(
                where, f"{name} has no field {', '.join(sorted(missing))}", "Add `one: str` and `other: str`."
            )
        return "one"
    raise BadDeclaration(
        where,
        f"{name} derives from IdentityFact itself",
        "Derive it from Merged, Unmerged, MergeForbidden or MergeForbiddenLifted.",
    )


def add_policy(contracts: Contracts, kind: str, fact: type[Fact], where: str) -> None:
    """Adds how entities of a kind are merged, if the fact declares it. Raises BadDeclaration for a second way."""
    if not issubclass(fact, Merged):
        return
    policy = fact.policy
    known = contracts.merging.get(kind)
    if policy is not None and known is not None and policy != known:
        raise BadDeclaration(
            where, f"{fact.__name__} declares another policy than an earlier class", "Declare it once for each kind."
        )
    contracts.merging[kind] = policy or known or MergePolicy()


def check_together(contracts: Contracts) -> None:
    """Checks facts about identity against the other facts of their kinds."""
    for contract in contracts.by_type.values():
        if contract.identity is None:
            continue
        if contract.kind not in contracts.merging:
            raise BadDeclaration(
                contract.where,
                f"{contract.name} is about merges of {contract.kind!r}, which cannot be merged",
                f'Declare class {contract.kind.title().replace("_", "")}Merged(Merged, entity="{contract.kind}").',
            )
        policy = getattr(contract.model, "policy", None)
        fields = contracts.fields_of(contract.kind)
        if policy is not None and (unknown := policy.fields.keys() - fields):
            raise BadDeclaration(
                contract.where,
                f"the policy of {contract.name} names {', '.join(sorted(unknown))}, which no fact of "
                f"{contract.kind!r} has",
                f"Its fields are: {', '.join(sorted(fields)) or 'none'}.",
            )


def check_retiring(contracts: Contracts) -> None:
    """Checks the commands that retire losers: that they can be filled, and that a fact confirms them."""
    for kind, policy in contracts.merging.items():
        command = policy.retire
        if command is None:
            continue
        where = contracts.declared_in.get(command, contracts.owner_of[kind])
        name = f"retire={command.__name__} of {kind!r}"
        if "survivor" not in command.model_fields:
            raise BadDeclaration(
                where, f"{name}: {command.__name__} has no field 'survivor'", "Add it: `survivor: str`."
            )
        if command.marked(KeyField) is None:
            raise BadDeclaration(
                where, f"{name}: no field of {command.__name__} is marked as Key", "Mark that of the loser's key."
            )
        command_checks.check(command, kind, contracts, where, name, given="survivor")
        if not contracts.deleted_fact(kind):
            raise BadDeclaration(
                where,
                f"{name}: no fact says that a {kind} was deleted, which confirms it",
                f'Declare one beside the others of its owner: class …(Deleted, entity="{kind}").',
            )
