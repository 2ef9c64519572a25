"""Random histories of lists: the model depends on the set of facts alone, and agrees with sets that are replayed."""

from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from catalog.vocabulary import Effect
from model.facts import ModelFact, read
from model.fold import fold
from model.lines import alias_lines, entity_lines, link_lines
from model.lists import element_fact
from model.state import LinkKey, ModelState
from model.timelines import Timelines
from tests.support.events import Event
from tests.support.list_histories import histories
from tests.support.merge_histories import undoing, voiding, without_merges
from tests.support.tenants import LIBRARY, cut_into_batches, fold_events

LISTS = (
    ("article_tag", "article", "tags"),
    ("article_article", "article", "related"),
    ("shelf_book", "shelf", "books"),
)
"""(relationship, kind that lists, field)"""


def facts(events: Sequence[Event]) -> list[ModelFact]:
    return [read(LIBRARY, event, n) for n, event in enumerate(events, 1)]


def lines(state: ModelState) -> list[bytes]:
    return entity_lines(state) + link_lines(state) + alias_lines(state)


@given(histories(odd=True), st.randoms(use_true_random=False))
def test_same_facts_about_lists_in_any_order_and_twice_give_the_same(history: list[Event], random: Random) -> None:
    mixed = [*history, *random.sample(history, len(history) // 2)]
    random.shuffle(mixed)
    assert fold_events(LIBRARY, mixed).links == fold_events(LIBRARY, history).links
    assert lines(fold_events(LIBRARY, mixed)) == lines(fold_events(LIBRARY, history))


@given(histories())
def test_undoing_merges_of_lists_gives_the_state_without_any(history: list[Event]) -> None:
    never = lines(fold_events(LIBRARY, without_merges(history)))
    for undo in (undoing(history), voiding(history)):
        assert lines(fold_events(LIBRARY, [*history, *undo])) == never


@given(histories(merges=False, odd=True))
def test_live_records_list_what_a_set_holds_that_is_replayed(history: list[Event]) -> None:
    state = fold_events(LIBRARY, history)
    void = {(e["data"]["source"], e["data"]["id"]) for e in history if e["type"] == "FactVoided.v1"}
    known = sorted((f for f in facts(history) if f.identity not in void), key=lambda f: f.order)
    for name, kind, field in LISTS:
        relationship = LIBRARY.relationship(name)
        sets: dict[str, set[str]] = {}
        for fact in [f for f in known if f.kind == kind]:
            held = sets.setdefault(fact.key, set())
            if fact.effect is Effect.DELETED:
                held.clear()
            elif fact.effect is not None and field in fact.data:
                sets[fact.key] = keys_in(fact.data[field])
            elif (one := element_fact(LIBRARY, relationship, fact)) is not None:
                (held.add if one.adds else held.discard)(one.element)
        live = {key for (of, key), it in state.entities.items() if (of, it.state) == (kind, "live")}
        found = {pair_of(at) for at in state.links if at[0] == name}
        assert {(key, element) for key, element in found if key in live} == {
            (key, element) for key in live for element in sets[key]
        }


def keys_in(value: Any) -> set[str]:
    return (
        {str(item) for item in value if type(item) in (str, int) and item != ""} if isinstance(value, list) else set()
    )


def pair_of(at: LinkKey) -> tuple[str, str]:
    """(key that lists, key that is listed)"""
    name, child, parent = at
    return (parent, child) if name == "shelf_book" else (child, parent)


@given(histories())
def test_every_link_of_a_list_has_the_state_of_what_is_listed(history: list[Event]) -> None:
    state = fold_events(LIBRARY, history)
    for at, link in [(at, it) for at, it in state.links.items() if len(at) == 3]:
        relationship = LIBRARY.relationship(at[0])
        listing, element = pair_of(at)
        listed = state.entities[relationship.element_kind, element].state
        listing_state = state.entities[relationship.listing_kind, listing].state
        assert listing_state == "live" or (relationship.parent_lists and listing_state == "deleted")
        expected = {"unknown": "waiting", "live": "linked", "deleted": "broken"}[listed]
        assert link.state == ("broken" if listing_state == "deleted" else expected)
        assert link.parent == at[2]


@given(histories(longest=16), st.randoms(use_true_random=False))
def test_past_of_lists_is_what_was_folded_at_each_revision(history: list[Event], random: Random) -> None:
    batches = cut_into_batches(random, history, 3)
    revision_of = [number for number, batch in enumerate(batches, 1) for _ in batch]
    known = facts(history)
    changes = dict(Timelines(LIBRARY, known, lambda position: revision_of[position - 1]).links())
    for revision in range(1, len(batches) + 1):
        by_then = fold(LIBRARY, [fact for fact in known if revision_of[fact.arrival - 1] <= revision])
        found = {at: [value for since, value in of_one if since <= revision] for at, of_one in changes.items()}
        was = {at: tuple(values[-1]) for at, values in found.items() if values and values[-1] is not None}
        links = {at: (it.parent, it.stated_child, it.stated_parent) for at, it in by_then.links.items()}
        assert was == {at: it for at, it in links.items() if len(at) == 3}
