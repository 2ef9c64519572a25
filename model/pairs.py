"""Derives the links of a many-to-many relationship from what the records of one side list, and from merges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from model.history import History
from model.links import Histories, LinkEnds
from model.lists import stated
from model.merges import ModelMerges
from model.state import LinkKey, LinkState, ModelLink

Pair: TypeAlias = tuple[str, str]
"""(key of the side that lists, key that is listed)"""


def pairs(
    catalog: Catalog, relationship: Relationship, histories: Histories, merges: ModelMerges
) -> Iterator[tuple[LinkKey, ModelLink]]:
    """Yields ((relationship, child, parent), link) of every pair of survivors that some record states."""
    said = [
        (key, element)
        for (kind, key), history in histories.items()
        if kind == relationship.listing_kind and counts(relationship, key, history, histories, merges)
        for element in stated(catalog, relationship, history)
    ]
    for (listing, element), ends in ends_of(relationship, said, merges).items():
        state = _state(
            histories[relationship.listing_kind, listing], histories.get((relationship.element_kind, element))
        )
        child, parent = relationship.ends(listing, element)
        yield (relationship.name, child, parent), ModelLink(parent, state, ends.stated_child, ends.stated_parent)


def counts(relationship: Relationship, key: str, history: History, histories: Histories, merges: ModelMerges) -> bool:
    """Returns whether the list of a record counts. The survivor of the record is live; what a deleted parent listed
    counts as well. A deleted loser was retired, and counts as it was."""
    survivor = merges.survivor(relationship.listing_kind, key)
    of_survivor = histories.get((relationship.listing_kind, survivor))
    if not history.published or of_survivor is None:
        return False
    return of_survivor.state == "live" or (of_survivor.state == "deleted" and relationship.parent_lists)


def ends_of(relationship: Relationship, said: Iterable[Pair], merges: ModelMerges) -> dict[Pair, LinkEnds]:
    """Returns the pairs of survivors, each with the ends of its link. ``said``: the pairs that records state.

    Of several that give one link the ends are those of the pair that names the survivors themselves, as far as one
    does; then of the first by keys. What a merged entity lists of itself is left out.
    """
    found: dict[Pair, list[Pair]] = {}
    for listing, element in said:
        one = merges.survivor(relationship.listing_kind, listing)
        other = merges.survivor(relationship.element_kind, element)
        kind = relationship.listing_kind
        if (kind, one) != (relationship.element_kind, other) or (kind, one) not in merges.clusters:
            found.setdefault((one, other), []).append((listing, element))
    return {at: _ends(relationship, at, of_one) for at, of_one in found.items()}


def _ends(relationship: Relationship, at: Pair, said: list[Pair]) -> LinkEnds:
    def place(pair: Pair) -> tuple[bool, bool, bytes, bytes]:
        return pair[0] != at[0], pair[1] != at[1], pair[0].encode(), pair[1].encode()

    chosen = min(said, key=place)
    stated = [key if key != survivor else None for key, survivor in zip(chosen, at, strict=True)]
    listing, element = stated
    stated_child, stated_parent = (element, listing) if relationship.parent_lists else (listing, element)
    return LinkEnds(relationship.ends(*at)[1], stated_child, stated_parent)


def _state(listing: History, element: History | None) -> LinkState:
    """Returns the state of a link: that of the entity which is listed; broken if the one that lists is deleted."""
    if listing.state == "deleted":
        return "broken"
    if element is None or element.state == "unknown":
        return "waiting"
    return "linked" if element.state == "live" else "broken"
