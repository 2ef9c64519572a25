"""The difference that a batch of facts makes, computed in memory from the stored entities before it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from catalog.vocabulary import Effect
from facts.envelope import Entry
from facts.identity import Pair
from facts.json_numbers import plain
from facts.own_facts import VOIDED
from store.write.arrivals import LateFact, is_jump
from store.write.entity_state import NO_LINK, NOTHING, EntityState, FoldedEntity, Link
from store.write.lives import LifeBefore, name_life

EntityKey = tuple[str, str]
"""(kind, key)."""


class OpenedLink(NamedTuple):
    """A link that begins. ``rank``: its place among the children of a one-to-one link; ``cause``: the fact it follows
    from; ``parent_created``: see facts.envelope.Reference; ``former``: whether it is to a former incarnation.
    ``stated_child``, ``stated_parent``: the keys that the child's owner stated, where they are merged into those of the
    link."""

    relationship: Relationship
    child: str
    parent: str
    rank: bytes | None
    cause: Entry
    parent_created: bytes | None = None
    former: bool = False
    stated_child: str | None = None
    stated_parent: str | None = None

    @property
    def named(self) -> str:
        """The key that it names: it waits for that one while it is missing."""
        return self.child if self.relationship.parent_lists else self.parent


class ClosedLink(NamedTuple):
    """A link that ends. ``cause``: the fact it follows from."""

    relationship: Relationship
    child: str
    parent: str
    cause: Entry

    @property
    def named(self) -> str:
        """As of `OpenedLink`."""
        return self.child if self.relationship.parent_lists else self.parent


class Answer(NamedTuple):
    """The creation of a child that was requested. ``cause``: the fact. ``linked``: whether the child has this parent;
    else it was deleted, or has another one, before it was linked."""

    relationship: Relationship
    parent: str
    correlation: str
    linked: bool
    cause: Entry


class StateChange(NamedTuple):
    """An entity whose state or incarnation has changed. ``was_placeholder``: links referred to it before its first
    fact."""

    entity: FoldedEntity
    was_placeholder: bool
    cause: Entry

    @property
    def at(self) -> EntityKey:
        return self.entity.kind, self.entity.key


class Renamed(NamedTuple):
    """An entity that is merged into another one now, or is no more. ``cause``: the fact that this follows from;
    ``was_placeholder``: links referred to it before its first fact, which came with the one that merges it."""

    kind: str
    key: str
    cause: Entry
    was_placeholder: bool = False


class LoserChange(NamedTuple):
    """A record of which there are new facts, and that is merged into a survivor. ``cause``: one of those facts."""

    kind: str
    key: str
    survivor: str
    cause: Entry


@dataclass(slots=True)
class Diff:
    """Everything that a batch of facts changes.

    ``versions``: entities of which a new version begins. ``touched``: entities of which facts were folded in without
    a visible difference. ``state_changes``: entities that became live or deleted. ``recreated``: entities with the
    same state as before that were deleted and created again in between. ``ends``: entities that are live, and of which
    a newer deletion than before is known. ``answers``: creations of children that were requested. ``own_facts``: how
    many facts there are that readers see, and that change no entity: Tether's own for the feed, and those about
    identity. ``closed_aliases``: (kind, key) of those that end; ``opened_aliases``: (kind, key, survivor) of those that
    begin; ``renamed``: what became a loser or ceased to be one; ``losers``: records of losers with new facts;
    ``merges``: the new facts that merge, each with its pairs.
    ``late``, ``jumps``, ``unseen``: see `arrivals.describe`.
    """

    versions: list[FoldedEntity] = field(default_factory=list)
    touched: list[FoldedEntity] = field(default_factory=list)
    opened: list[OpenedLink] = field(default_factory=list)
    closed: list[ClosedLink] = field(default_factory=list)
    state_changes: list[StateChange] = field(default_factory=list)
    recreated: list[StateChange] = field(default_factory=list)
    ends: list[StateChange] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    own_facts: int = 0
    closed_aliases: list[EntityKey] = field(default_factory=list)
    opened_aliases: list[tuple[str, str, str]] = field(default_factory=list)
    renamed: list[Renamed] = field(default_factory=list)
    losers: list[LoserChange] = field(default_factory=list)
    merges: list[tuple[Entry, list[Pair]]] = field(default_factory=list)
    late: list[LateFact] = field(default_factory=list)
    jumps: list[tuple[Entry, str]] = field(default_factory=list)
    unseen: list[Entry] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether readers would see a difference: only then a new revision begins."""
        changed = self.versions or self.opened or self.closed or self.own_facts
        return bool(changed or self.opened_aliases or self.closed_aliases)


def compute_diff(
    catalog: Catalog,
    stored: dict[EntityKey, FoldedEntity],
    entries: Iterable[Entry],
    histories: Mapping[EntityKey, list[Entry]] | None = None,
) -> Diff:
    """Folds facts into entities and returns the difference.

    ``stored``: the current entities that the facts concern, as far as there are any; they are altered. ``entries``:
    facts that are not in the ledger yet; ``histories``: those that are, of entities that are to be folded from all of
    their facts.
    """
    of_entity: dict[EntityKey, list[Entry]] = {}
    diff = Diff()
    for entry in entries:
        if entry.effect is None and not entry.names and not entry.elements:
            diff.own_facts += 1
        if entry.effect is not None or entry.names or (histories and (entry.kind, entry.key) in histories):
            of_entity.setdefault((entry.kind, entry.key), []).append(entry)
    for at, facts in of_entity.items():
        entity = stored.get(at) or FoldedEntity(*at)
        history = histories.get(at) if histories else None
        _fold(diff, catalog.references.get(at[0], ()), entity, facts, history)
    return diff


def _looks_alike(one: tuple[EntityState, dict[str, Any]], other: tuple[EntityState, dict[str, Any]]) -> bool:
    """Whether readers see the same. To Python 1 and True are equal, in JSON they are not."""
    if one != other:
        return False
    if one[1] is other[1] or _canonical(one[1]) == _canonical(other[1]):
        return True
    # An earlier version stored 1.0, where 1 is written now: the same number.
    return _canonical(plain(one[1])) == _canonical(plain(other[1]))


def _canonical(data: dict[str, Any]) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def _fold(
    diff: Diff,
    references: tuple[Relationship, ...],
    entity: FoldedEntity,
    facts: list[Entry],
    history: list[Entry] | None,
) -> None:
    """Folds new facts about one entity. ``references``: the relationships in which it is the child; ``history``: its
    facts in the ledger, if it is to be folded from all of them."""
    before = EntityBefore.of(entity, references)
    if history is not None:
        before = before._replace(life=before.life.renumbered(history))
        entity = entity.folded_again(history)
    counted = facts if history is None else _without_void(facts)
    for fact in counted:
        if entity.latest:
            _notice(diff, entity, fact)
        entity.join(fact)
    add_differences(diff, references, before, entity, facts[-1])
    for fact in counted:
        if fact.names and fact.effect is Effect.CREATED and fact.correlation is not None:
            diff.answers += _answers(references, entity, fact, fact.correlation)


def _without_void(facts: list[Entry]) -> list[Entry]:
    """Leaves out the facts that others of the same batch void: an import may bring both at once."""
    void = {(f.data["source"], f.data["id"]) for f in facts if f.effect is None and f.name == VOIDED}
    return [f for f in facts if (f.source, f.id) not in void]


def _notice(diff: Diff, entity: FoldedEntity, fact: Entry) -> None:
    """Notes what is odd about a new fact of an entity of which others are known."""
    if fact.effect is not None and fact.order < entity.latest:
        diff.late.append(LateFact(fact, entity.sequence, entity.ended, entity.state == "deleted"))
    elif entity.sequence is not None and is_jump(fact.sequence, entity.sequence):
        diff.jumps.append((fact, entity.sequence))
    elif fact.effect is Effect.CHANGED and entity.ended > entity.created:
        diff.unseen.append(fact)


def _answers(
    references: tuple[Relationship, ...], entity: FoldedEntity, creation: Entry, correlation: str
) -> Iterator[Answer]:
    """What the creation of a child answers. ``references``: the relationships in which it is the child."""
    for name, parent, _ in creation.names:
        for relationship in references:
            if relationship.name == name and parent is not None:
                yield Answer(relationship, parent, correlation, entity.parent(relationship) == parent, creation)


class EntityBefore(NamedTuple):
    """What readers saw of an entity before new facts were folded in.

    ``links``: what decides the link of each reference.
    ``ended``: the order key that its newest deletion had then, with which those creations were compared.
    """

    stored: bool
    state: EntityState
    data: dict[str, Any]
    life: LifeBefore
    links: list[Link]
    ended: bytes

    @classmethod
    def of(cls, entity: FoldedEntity, references: tuple[Relationship, ...]) -> EntityBefore:
        """What readers see of an entity now. ``references``: the relationships in which it is the child."""
        if not entity.stored:  # most facts of a first import are about a new entity
            return _NOTHING_KNOWN
        links = [entity.link(relationship) for relationship in references]
        return cls(True, *entity.visible(), LifeBefore.of(entity), links, entity.ended)


_NOTHING_KNOWN = EntityBefore(False, "unknown", {}, LifeBefore.of(FoldedEntity("", "")), [], NOTHING)


def add_differences(
    diff: Diff, references: tuple[Relationship, ...], before: EntityBefore, entity: FoldedEntity, cause: Entry
) -> None:
    """Adds what differs between an entity and what was known of it before, and names its life.

    ``references``: the relationships in which it is the child; ``cause``: the fact that the differences follow from.
    """
    stored, state = before.stored, before.state
    entity.incarnation = name_life(before.life, entity)
    if not stored or not _looks_alike(entity.visible(), (state, before.data)):
        diff.versions.append(entity)
    else:
        diff.touched.append(entity)
    state_now = entity.state
    if state_now != state:
        diff.state_changes.append(StateChange(entity, stored and state == "unknown", cause))
    elif stored and entity.incarnation != before.life.incarnation:
        diff.recreated.append(StateChange(entity, False, cause))
    if stored and state_now == "live" and entity.ended != before.ended:
        diff.ends.append(StateChange(entity, False, cause))
    for n, relationship in enumerate(references):
        was = before.links[n] if stored else NO_LINK
        now = entity.link(relationship)
        if now == was:
            continue
        old_parent, parent = was[0], now[0]
        if old_parent is not None:
            diff.closed.append(ClosedLink(relationship, entity.key, old_parent, cause))
        if parent is not None:
            diff.opened.append(OpenedLink(relationship, entity.key, parent, now[1], cause, now[2]))
