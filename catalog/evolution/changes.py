"""Compares two documents of contracts: what differs, which payloads that breaks, and whom, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from catalog.evolution.dependents import Dependents, FilteredConsumer
from catalog.evolution.document import ContractDocument, DeclaredCommand, DeclaredFact, DeclaredRelationship
from catalog.evolution.modes import Direction, Mode
from catalog.schemas.containment import Gap, gaps
from catalog.schemas.contract_schema import Schema
from catalog.schemas.descriptions import describe

BOTH = (Direction.BACKWARD, Direction.FORWARD)
_MEANING = {
    "kind": "is about another kind",
    "owner": "has another owner",
    "effect": "has another effect",
    "identity": "says something else about identity",
    "about": "is activity of another kind",
    "element": "does something else to a list",
    "key_field": "has its key elsewhere",
    "key_form": "is of a kind with another form of keys",
}


@dataclass(frozen=True)
class ContractChange:
    """One difference between an old and a new document.

    ``about``: a type, ``command X``, ``relationship X``, ``replica X``, ``upcaster X → Y`` or ``consumer X``; ``path``:
    the field; ``breaks``: in which directions it is incompatible, empty: in none; ``certain``: False if that could not
    be decided, and counts all the same; ``examples``: data that was accepted and is not, for FORWARD the reverse;
    ``concerns``: who depends on it, as ``replica shopping_customer``.
    """

    about: str
    path: str
    what: str
    breaks: tuple[Direction, ...] = ()
    certain: bool = True
    examples: tuple[Any, ...] = ()
    concerns: tuple[str, ...] = field(default=())


def compare(
    old: ContractDocument, new: ContractDocument, consumers: Iterable[FilteredConsumer] = ()
) -> list[ContractChange]:
    """All differences, in the order of types; ``consumers``: those whose filters may name what is gone."""
    followers = tuple(consumers)
    dependents = Dependents((old, new), followers)
    return [
        *_facts(old, new, dependents),
        *_commands(old, new),
        *_relationships(old, new, dependents),
        *_replicas(old, new, dependents),
        *_upcasters(old, new),
        *_mappings(old, new),
        *_filters(old, new, followers),
    ]


def incompatible(changes: Iterable[ContractChange], mode: Mode) -> list[ContractChange]:
    """The changes that a mode forbids."""
    return [change for change in changes if mode.directions & set(change.breaks)]


def _facts(old: ContractDocument, new: ContractDocument, dependents: Dependents) -> Iterator[ContractChange]:
    before, after = {one.type: one for one in old.items}, {one.type: one for one in new.items}
    for type in sorted(before.keys() | after.keys()):
        if type not in after:
            who = tuple(dependents.of_type(type, before[type].kind))
            what = "is not declared any more: such facts go to quarantine"
            yield ContractChange(type, "", what, (Direction.BACKWARD,), concerns=who)
        elif type not in before:
            yield ContractChange(type, "", "is new")
        else:
            yield from _fact(before[type], after[type], dependents)


def _fact(old: DeclaredFact, new: DeclaredFact, dependents: Dependents) -> Iterator[ContractChange]:
    for name, what in _MEANING.items():
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            who = tuple(dependents.of_type(old.type, old.kind))
            yield ContractChange(
                old.type, "", f"{what}: {was or 'none'} before, {now or 'none'} now", BOTH, concerns=who
            )
    backward, forward = gaps(old.schema_, new.schema_), gaps(new.schema_, old.schema_)
    for direction, found in ((Direction.BACKWARD, backward), (Direction.FORWARD, forward)):
        for gap in found:
            who = tuple(dependents.of_type(old.type, old.kind, _top(gap.path)))
            yield ContractChange(old.type, gap.path, gap.what, (direction,), gap.certain, gap.examples, who)
    for path, what in _notes(old.schema_, new.schema_):
        removed = what.startswith("removed")
        who = tuple(dependents.of_type(old.type, old.kind, path)) if removed else ()
        yield ContractChange(old.type, path, what, concerns=who)


def _top(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _notes(old: Schema, new: Schema) -> Iterator[tuple[str, str]]:
    """Differences of the outermost fields that break no payload by themselves."""
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            need = "required" if name in new.get("required", ()) else "optional"
            yield name, f"added, {need}: {describe(after[name], new)}"
        elif name not in after:
            need = "required" if name in old.get("required", ()) else "optional"
            yield name, f"removed, was {need}: {describe(before[name], old)}"
        elif before[name].get("default") != after[name].get("default") and name not in new.get("required", ()):
            was, now = (_default(side[name]) for side in (before, after))
            yield name, f"default {now}, was {was}; Tether fills none in"


def _default(schema: Schema) -> str:
    return repr(schema["default"]) if "default" in schema else "none"


class _WithName(Protocol):
    @property
    def name(self) -> str: ...


Declared = TypeVar("Declared", bound=_WithName)


def _by_name(
    old: Sequence[Declared], new: Sequence[Declared]
) -> Iterator[tuple[str, Declared | None, Declared | None]]:
    before: Mapping[str, Declared] = {one.name: one for one in old}
    after: Mapping[str, Declared] = {one.name: one for one in new}
    for name in sorted(before.keys() | after.keys()):
        yield name, before.get(name), after.get(name)


def _commands(old: ContractDocument, new: ContractDocument) -> Iterator[ContractChange]:
    for name, was, now in _by_name(old.commands, new.commands):
        about = f"command {name}"
        if was is None:
            yield ContractChange(about, "", "is new")
        elif now is None:
            yield ContractChange(about, "", "is not declared any more: its owner is not requested")
        else:
            yield from _command(about, was, now)


def _command(about: str, old: DeclaredCommand, new: DeclaredCommand) -> Iterator[ContractChange]:
    who = tuple(f"owner {name}" for name in sorted({old.owner, new.owner}))
    was, now = (f"{one.owner}: {one.method} {one.path}" for one in (old, new))
    if was != now:
        yield ContractChange(about, "", f"is {now}, was {was}", BOTH, concerns=who)
    found: list[tuple[Direction, list[Gap]]] = [
        (Direction.BACKWARD, gaps(new.schema_, _open(old.schema_))),  # the owner still reads the old one
        (Direction.FORWARD, gaps(old.schema_, _open(new.schema_))),
    ]
    for direction, listed in found:
        for gap in listed:
            yield ContractChange(about, gap.path, gap.what, (direction,), gap.certain, gap.examples, who)
    yield from (ContractChange(about, path, what) for path, what in _notes(old.schema_, new.schema_))


def _open(schema: Schema) -> Schema:
    """Owners are taken to ignore fields that they don't know."""
    return {**schema, "additionalProperties": True}


def _relationships(old: ContractDocument, new: ContractDocument, dependents: Dependents) -> Iterator[ContractChange]:
    for name, was, now in _by_name(old.relationships, new.relationships):
        about, who = f"relationship {name}", tuple(dependents.of("relationship", name))
        if was is None:
            yield ContractChange(about, "", "is new")
        elif now is None:
            yield ContractChange(
                about, "", "is not declared any more: it has no links", (Direction.BACKWARD,), concerns=who
            )
        elif differing := [f"{n} {b}, was {a}" for n, a, b in _differing(was, now)]:
            yield ContractChange(about, "", "; ".join(differing), (Direction.BACKWARD,), concerns=who)


def _differing(old: DeclaredRelationship, new: DeclaredRelationship) -> Iterator[tuple[str, str, str]]:
    for name in ("parent", "child", "cardinality", "announce"):
        was, now = str(getattr(old, name)), str(getattr(new, name))
        if was != now:
            yield name, was or "nothing", now or "nothing"


def _replicas(old: ContractDocument, new: ContractDocument, dependents: Dependents) -> Iterator[ContractChange]:
    for name, was, now in _by_name(old.replicas, new.replicas):
        about, who = f"replica {name}", tuple(dependents.of("replica", name))
        if was is None:
            yield ContractChange(about, "", "is new")
        elif now is None:
            yield ContractChange(about, "", "is not declared any more", (Direction.BACKWARD,), concerns=who)
        else:
            if was.of != now.of:
                yield ContractChange(about, "", f"copies {now.of}, was {was.of}", (Direction.BACKWARD,), concerns=who)
            for one in [f for f in was.fields if f not in now.fields]:
                yield ContractChange(about, one, "is not copied any more", (Direction.BACKWARD,), concerns=who)
            for one in [f for f in now.fields if f not in was.fields]:
                yield ContractChange(about, one, "is copied too: copies are loaded again", concerns=who)


def _upcasters(old: ContractDocument, new: ContractDocument) -> Iterator[ContractChange]:
    declared = {one.type for one in new.items}
    before, after = ({(one.from_, one.to): one.meaning for one in side.upcasters} for side in (old, new))
    for earlier, later in sorted(before.keys() - after.keys()):
        if {earlier, later} <= declared:
            what = f"is not declared any more, though {earlier} is"
            yield ContractChange(f"upcaster {earlier} → {later}", "", what, (Direction.BACKWARD,))
    for earlier, later in sorted(after.keys() - before.keys()):
        yield ContractChange(f"upcaster {earlier} → {later}", "", "is new")
    for earlier, later in sorted(both for both in before.keys() & after.keys() if before[both] != after[both]):
        yield ContractChange(f"upcaster {earlier} → {later}", "", "is another function, which is not compared")


def _mappings(old: ContractDocument, new: ContractDocument) -> Iterator[ContractChange]:
    declared, after = {one.type for one in new.items}, {one.type: one for one in new.mappings}
    before = {one.type: one for one in old.mappings}
    for type in sorted(before.keys() - after.keys() - declared):
        what = "is not declared any more: such messages go to quarantine"
        yield ContractChange(f"mapping {type}", "", what, (Direction.BACKWARD,))
    for type in sorted(after.keys() - before.keys()):
        yield ContractChange(f"mapping {type}", "", "is new")
    for type in sorted(t for t in before.keys() & after.keys() if before[t] != after[t]):
        was, now = (", ".join(side[type].to) for side in (before, after))
        yield ContractChange(f"mapping {type}", "", f"may give {now}, gave {was}")


def _filters(
    old: ContractDocument, new: ContractDocument, consumers: Iterable[FilteredConsumer]
) -> Iterator[ContractChange]:
    before, after = _nameable(old), _nameable(new)
    for consumer in consumers:
        for what, name in sorted(set(consumer.names())):
            if (what, name) in before - after:
                gone = f"its filter names the {what} {name}, which is not declared any more"
                yield ContractChange(f"consumer {consumer.name}", "", gone, (Direction.BACKWARD,))


def _nameable(document: ContractDocument) -> set[tuple[str, str]]:
    """What a filter of the feed can name; ``type``: of items, where relationships declare them."""
    return {
        *(("kind", one.kind) for one in document.items),
        *(("relationship", one.name) for one in document.relationships),
        *(("replica", one.name) for one in document.replicas),
        *(("type", one.announce) for one in document.relationships if one.announce),
    }
