"""The model's state depends on the set of facts alone, not on order or repeats; and invariants of every state."""

from collections import defaultdict
from collections.abc import Callable
from itertools import permutations
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from catalog.vocabulary import Effect
from model.facts import FactId, ModelFact
from model.fold import fold
from model.state import ModelEntity, ModelLink
from tests.support.events import Event, event
from tests.support.model_facts import CATALOG, facts, state
from tests.support.strategies import deliver, explicit_links, histories, history


@st.composite
def sets_of_facts(draw: Callable[[st.SearchStrategy[Any]], Any]) -> list[ModelFact]:
    events = draw(st.one_of(histories(), st.builds(history, st.integers(0, 2**32), st.just(7), st.integers(20, 60))))
    explicit = explicit_links(draw(st.randoms(use_true_random=False)), events, draw(st.integers(0, 4)))
    return facts([*events, *explicit])


@given(sets_of_facts(), st.randoms(use_true_random=False))
def test_same_facts_in_any_order_give_the_same_state(given_facts: list[ModelFact], random: Random) -> None:
    mixed = list(given_facts)
    random.shuffle(mixed)
    assert fold(CATALOG, mixed) == fold(CATALOG, given_facts) == fold(CATALOG, reversed(given_facts))


@given(sets_of_facts(), st.data())
def test_repeated_facts_do_not_change_the_state(given_facts: list[ModelFact], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(given_facts), max_size=20)) if given_facts else []
    assert fold(CATALOG, [*again, *given_facts]) == fold(CATALOG, [*given_facts, *again]) == fold(CATALOG, given_facts)
    assert fold(CATALOG, given_facts * 2) == fold(CATALOG, given_facts)


@given(sets_of_facts(), st.data())
def test_overlapping_parts_fold_to_the_state_of_their_union(given_facts: list[ModelFact], data: st.DataObject) -> None:
    parts: list[list[ModelFact]] = [[], [], []]
    for fact in given_facts:
        for part in data.draw(st.sets(st.integers(0, 2), min_size=1)):
            parts[part].append(fact)
    for one, two, three in permutations(parts):
        assert fold(CATALOG, [*one, *two, *three]) == fold(CATALOG, given_facts)


@given(sets_of_facts())
def test_facts_before_a_deletion_do_not_change_the_state(given_facts: list[ModelFact]) -> None:
    deletions = {
        (f.kind, f.key): f.order for f in sorted(given_facts, key=lambda f: f.order) if f.effect is Effect.DELETED
    }
    relevant = [f for f in given_facts if (f.kind, f.key) not in deletions or f.order >= deletions[f.kind, f.key]]
    assert fold(CATALOG, relevant) == fold(CATALOG, given_facts)


@given(sets_of_facts())
def test_state_of_a_link_follows_from_its_child_and_parent(given_facts: list[ModelFact]) -> None:
    it = fold(CATALOG, given_facts)
    parent_states = {"linked": {"live"}, "conflict": {"live"}, "waiting": {"unknown"}, "broken": {"deleted"}}
    for (name, child), link in it.links.items():
        relationship = CATALOG.relationship(name)
        assert it.entities[relationship.child, child].state == "live"
        former = relationship.requested is not None and link.state == "broken"  # a parent may be live again
        expected = parent_states[link.state] | ({"live"} if former else set())
        assert it.entities[relationship.parent, link.parent].state in expected


@given(sets_of_facts())
def test_placeholders_are_exactly_the_parents_of_waiting_links(given_facts: list[ModelFact]) -> None:
    it = fold(CATALOG, given_facts)
    placeholders = {entity for entity, what in it.entities.items() if what.state == "unknown"}
    awaited = {
        (CATALOG.relationship(name).parent, link.parent)
        for (name, _), link in it.links.items()
        if link.state == "waiting"
    }
    assert placeholders == awaited
    assert not placeholders & {(f.kind, f.key) for f in given_facts if f.effect is not None}


@given(sets_of_facts())
def test_live_one_to_one_parent_is_linked_to_exactly_one_child(given_facts: list[ModelFact]) -> None:
    states_by_parent: dict[str, list[str]] = defaultdict(list)
    for (name, _), link in fold(CATALOG, given_facts).links.items():
        if CATALOG.relationship(name).exclusive and link.state in ("linked", "conflict"):
            states_by_parent[link.parent].append(link.state)
    assert all(states.count("linked") == 1 for states in states_by_parent.values())


@given(sets_of_facts())
def test_only_live_entities_have_fields(given_facts: list[ModelFact]) -> None:
    assert all(e.state == "live" or e.data == {} for e in fold(CATALOG, given_facts).entities.values())


def test_long_history_gives_the_same_state_in_any_delivery() -> None:
    events = history(seed=7, entities=120, facts=1500)
    assert events == history(seed=7, entities=120, facts=1500)
    delivered = deliver(seed=8, events=events, repeats=0.2)
    assert len(delivered) == 1800
    assert delivered[:1500] != events
    assert state(*delivered) == state(*events)


def test_all_24_orders_of_group_channel_and_rename_give_the_same_state() -> None:
    created = event("GroupCreated", "g", 1, name="Divers")
    opened = event("ChannelCreated", "c", 1, name="Divers", requested_by="g")
    renamed = event("GroupRenamed", "g", 2, name="Wreck divers")
    orders: list[tuple[Event, ...]] = list(permutations([created, opened, renamed, dict(created)]))
    assert len(orders) == 24
    for events in orders:
        it = state(*events)
        assert it.entities == {
            ("group", "g"): ModelEntity("live", {"name": "Wreck divers"}, FactId("/groups", renamed["id"]), "2", None),
            ("channel", "c"): ModelEntity("live", {"name": "Divers"}, FactId("/channels", opened["id"]), "1", None),
        }
        assert it.links == {("group_channel", "c"): ModelLink("g", "linked")}
