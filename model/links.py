"""Derives the links of one relationship from the histories of its children and parents, and from merges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from catalog.relationship import OnMerge, Relationship
from model.history import NEVER_CREATED, History, Life, Rank
from model.merges import ModelMerges
from model.order import encoded
from model.references import NamedParent, parent_of
from model.state import EntityKey, EntityState, LinkKey, LinkState, ModelLink

Histories: TypeAlias = dict[EntityKey, History]


class _Named(NamedTuple):
    """That the record ``stated_child`` names a parent. ``parent``: the one under which that parent goes on; ``life``:
    that of the record in which it does."""

    stated_child: str
    named: NamedParent
    parent: str
    life: Life


class LinkEnds(NamedTuple):
    """Which parent a child has. ``stated_child``, ``stated_parent``: as those of a link."""

    parent: str
    stated_child: str | None
    stated_parent: str | None


def link_ends(relationship: Relationship, histories: Histories, merges: ModelMerges) -> dict[str, LinkEnds]:
    """Returns live child → the ends of its link, of those that refer to a parent."""
    return {child: _ends(child, reference) for child, reference in _chosen(relationship, histories, merges).items()}


def links(relationship: Relationship, histories: Histories, merges: ModelMerges) -> Iterator[tuple[LinkKey, ModelLink]]:
    """Yields ((relationship, child), link) of every live child that refers to a parent. Merged children and parents go
    on as their survivors."""
    chosen = _chosen(relationship, histories, merges)
    former = {
        child
        for child, reference in chosen.items()
        if reference.named.created is not None and _is_former(relationship, reference, histories, merges)
    }
    present = {child: reference for child, reference in chosen.items() if child not in former}
    holders = _holders(relationship, present, merges) if relationship.exclusive else None
    for child, reference in chosen.items():
        of_parent = histories.get((relationship.parent, reference.parent))
        state = _link_state("unknown" if of_parent is None else of_parent.state)
        if state == "linked" and child in former:
            state = "broken"
        elif state == "linked" and holders is not None and holders[reference.parent] != child:
            state = "conflict"
        ends = _ends(child, reference)
        yield (relationship.name, child), ModelLink(ends.parent, state, ends.stated_child, ends.stated_parent)


def _chosen(relationship: Relationship, histories: Histories, merges: ModelMerges) -> dict[str, _Named]:
    """Returns live child → the reference that decides."""
    return {
        child: reference
        for child, references in _references(relationship, histories, merges).items()
        if (reference := _choose(relationship, child, references)) is not None
    }


def _ends(child: str, reference: _Named) -> LinkEnds:
    return LinkEnds(
        reference.parent,
        None if reference.stated_child == child else reference.stated_child,
        None if reference.named.key == reference.parent else reference.named.key,
    )


def _references(relationship: Relationship, histories: Histories, merges: ModelMerges) -> dict[str, list[_Named]]:
    """Returns live child → the references of all records that are merged into it, and of its own.

    A loser that is deleted was retired: its last life goes on. References of a merged entity to itself are left out.
    """
    found: dict[str, list[_Named]] = {}
    for (kind, key), history in histories.items():
        if kind != relationship.child or not history.published:
            continue
        child = merges.survivor(kind, key)
        alone = (kind, child) not in merges.clusters
        of_survivor = history if child == key else histories.get((kind, child))
        if of_survivor is None or of_survivor.state != "live":
            continue
        life = history.last_life
        named = parent_of(relationship, life.facts)
        if named is None:
            continue
        parent = merges.survivor(relationship.parent, named.key)
        if alone or (relationship.parent, parent) != (kind, child):
            found.setdefault(child, []).append(_Named(key, named, parent, life))
    return found


def _choose(relationship: Relationship, child: str, references: list[_Named]) -> _Named | None:
    """Returns the reference that decides, by the rule of the relationship; None: none does."""
    own = next((reference for reference in references if reference.stated_child == child), None)
    if len(references) == 1 and references[0] is own:
        return own
    newest = max(references, key=lambda reference: reference.named.fact.order)
    if relationship.on_merge is OnMerge.KEEP_NEWEST:
        return newest
    if relationship.on_merge is OnMerge.KEEP_SURVIVORS:
        return own
    return own or newest


def _is_former(relationship: Relationship, reference: _Named, histories: Histories, merges: ModelMerges) -> bool:
    """Returns whether a child was requested for a life of its parent that is over.

    That of the record which it was requested for counts. The deletion of a loser retires it, and ends nothing.
    """
    kind, key = relationship.parent, reference.named.key
    history = histories.get((kind, key))
    if reference.named.created is None or history is None:
        return False
    ended = history.last_life.after if (kind, key) in merges.aliases else history.deleted
    return ended is not None and encoded(ended.order) > reference.named.created


def _link_state(parent: EntityState) -> LinkState:
    if parent == "unknown":
        return "waiting"
    return "linked" if parent == "live" else "broken"


def _holders(relationship: Relationship, present: dict[str, _Named], merges: ModelMerges) -> dict[str, str]:
    """Returns parent → the child that holds it."""
    children: dict[str, list[str]] = {}
    for child in sorted(present, key=str.encode):
        children.setdefault(present[child].parent, []).append(child)
    ranks = {child: reference.life.rank for child, reference in present.items()}
    found = {}
    for parent, of_parent in children.items():
        candidates = of_parent
        if (relationship.parent, parent) in merges.clusters:
            candidates = _preferred(relationship, of_parent, present, ranks)
        # Of several the one created first; of equal ones the first by key.
        found[parent] = min(candidates, key=ranks.__getitem__)
    return found


def _preferred(
    relationship: Relationship, children: list[str], present: dict[str, _Named], ranks: dict[str, Rank]
) -> list[str]:
    """Returns those children of a merged entity that come before its other ones: created last where the newest counts,
    else those that name the survivor itself."""
    if relationship.on_merge is OnMerge.KEEP_NEWEST:
        created = [ranks[child] for child in children if ranks[child] != NEVER_CREATED]
        last = max(created, default=NEVER_CREATED)
        return [child for child in children if ranks[child] == last]
    return [child for child in children if present[child].named.key == present[child].parent] or children
