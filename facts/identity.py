"""What facts about identity say: which pairs of keys are the same entity, and which must never be."""

from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

from catalog import limits
from catalog.catalog import Catalog
from catalog.identity import IdentityEffect, Merged, Unmerged
from catalog.key_forms import KeyForm
from catalog.registry import OWN_SOURCE, Contract
from catalog.vocabulary import Fact
from errors import Unacceptable
from facts.keys import normal

OWN_EFFECTS = {
    "Merged.v1": IdentityEffect.MERGED,
    "Unmerged.v1": IdentityEffect.UNMERGED,
    "MergeForbidden.v1": IdentityEffect.FORBIDDEN,
    "MergeForbiddenLifted.v1": IdentityEffect.ALLOWED,
}
"""Tether's own facts about identity: wire type → effect. Their fields are survivor and losers, or one and other."""
_PAIR = ("one", "other")
OF_MERGES = (IdentityEffect.MERGED, IdentityEffect.UNMERGED)


class Pair(NamedTuple):
    """Two keys of one kind: (loser, survivor), or the two of a forbidden pair, the smaller one first."""

    kind: str
    one: str
    other: str


def effect_of(catalog: Catalog, source: str, type: str) -> IdentityEffect | None:
    """What a fact says about pairs; None: nothing."""
    if source == OWN_SOURCE:
        return OWN_EFFECTS.get(type)
    contract = catalog.contracts.by_type.get(type)
    return None if contract is None else contract.identity


def merging_types(catalog: Catalog) -> list[str]:
    """The wire types of the facts that merge, those of owners and Tether's own."""
    declared = (t for t, c in catalog.contracts.by_type.items() if c.identity is IdentityEffect.MERGED)
    return sorted({"Merged.v1", *declared})


def pairs(catalog: Catalog, source: str, type: str, kind: str, key: str, data: Mapping[str, Any]) -> Iterator[Pair]:
    """The pairs that a valid fact is about. Parameters as those of ``Entry``; the fact is one about identity."""
    effect = effect_of(catalog, source, type)
    if effect in OF_MERGES:
        survivor_field, losers_field = "survivor", "losers"
        if source != OWN_SOURCE:
            survivor_field, losers_field = _fields(catalog.contracts.by_type[type].model)
        losers, normal = data.get(losers_field) if losers_field else [key], partial(catalog.contracts.key, kind)
        for loser in dict.fromkeys(map(normal, losers or ())):
            yield Pair(kind, loser, normal(data[survivor_field]))
    else:
        yield forbidden_pair(kind, *(catalog.contracts.key(kind, data[name]) for name in _PAIR))


def forbidden_pair(kind: str, one: str, other: str) -> Pair:
    """The pair of two keys, in whatever order they are given."""
    return Pair(kind, *sorted((one, other), key=str.encode))


def check(contract: Contract, key: str, data: Mapping[str, Any], form: KeyForm | None = None) -> None:
    """Raises Unacceptable if the keys that a fact about identity names cannot be those of entities, or are the same.

    ``key``: that of the entity it is about; ``data``: as its contract wants it; ``form``: the normal form of its keys.
    """
    if contract.identity in OF_MERGES:
        survivor_field, losers_field = _fields(contract.model)
        survivor, losers = data[survivor_field], data.get(losers_field) if losers_field else [key]
        if not isinstance(losers, list) or not losers:
            raise Unacceptable(f"{losers_field} must name at least one loser", "identity_invalid", losers_field)
        _check_keys(survivor_field, [survivor])
        _check_keys(losers_field or "the key", losers)
        if form is not None:
            survivor, *losers = (normal(form, contract.kind, one) for one in (survivor, *losers))
        if survivor in losers:
            reason = f"{survivor!r} is the survivor and among the losers: an entity cannot merge with itself"
            raise Unacceptable(reason, "identity_invalid", losers_field)
    else:
        _check_keys("one and other", [data["one"], data["other"]])
        one, other = data["one"], data["other"]
        if form is not None:
            one, other = (normal(form, contract.kind, key) for key in (one, other))
        if one == other:
            reason = f"{one!r} is both keys of the pair: name two different ones"
            raise Unacceptable(reason, "identity_invalid", "other")


@cache
def _fields(model: type[Fact]) -> tuple[str, str]:
    """The names of the fields with the survivor and the losers; without one for these the fact is about the one loser,
    whatever else its data hold: empty."""
    assert issubclass(model, Merged | Unmerged)
    return model.survivor_field, model.losers_field if model.losers_field in model.model_fields else ""


def _check_keys(field: str, keys: list[Any]) -> None:
    for key in keys:
        if not isinstance(key, str) or not key:
            raise Unacceptable(f"{field} must be keys: texts of 1 to {limits.KEY} bytes", "identity_invalid", field)
        limits.check(f"a key in {field}", key, limits.KEY)
