"""The state is a function of the set of facts, and of nothing else; and what holds of every state."""

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
    own = explicit_links(draw(st.randoms(use_true_random=False)), events, draw(st.integers(0, 4)))
    return facts([*events, *own])


@given(sets_of_facts(), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_state(told: list[ModelFact], random: Random) -> None:
    mixed = list(told)
    random.shuffle(mixed)
    assert fold(CATALOG, mixed) == fold(CATALOG, told) == fold(CATALOG, reversed(told))


@given(sets_of_facts(), st.data())
def test_any_duplication_gives_the_same_state(told: list[ModelFact], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(told), max_size=20)) if told else []
    assert fold(CATALOG, [*again, *told]) == fold(CATALOG, [*told, *again]) == fold(CATALOG, told)
    assert fold(CATALOG, told * 2) == fold(CATALOG, told)


@given(sets_of_facts(), st.data())
def test_any_parts_that_may_overlap_give_the_state_of_their_union(told: list[ModelFact], data: st.DataObject) -> None:
    parts: list[list[ModelFact]] = [[], [], []]
    for fact in told:
        for part in data.draw(st.sets(st.integers(0, 2), min_size=1)):
            parts[part].append(fact)
    for one, two, three in permutations(parts):
        assert fold(CATALOG, [*one, *two, *three]) == fold(CATALOG, told)


@given(sets_of_facts())
def test_facts_from_before_an_end_can_be_left_out(told: list[ModelFact]) -> None:
    ends = {(f.kind, f.key): f.order for f in sorted(told, key=lambda f: f.order) if f.effect is Effect.DELETED}
    since = [f for f in told if (f.kind, f.key) not in ends or f.order >= ends[f.kind, f.key]]
    assert fold(CATALOG, since) == fold(CATALOG, told)


@given(sets_of_facts())
def test_a_link_says_what_its_two_ends_are(told: list[ModelFact]) -> None:
    it = fold(CATALOG, told)
    meanings = {"linked": "live", "conflict": "live", "waiting": "unknown", "broken": "deleted"}
    for (name, child), link in it.links.items():
        relationship = CATALOG.relationship(name)
        assert it.entities[relationship.child, child].state == "live"
        assert it.entities[relationship.parent, link.parent].state == meanings[link.state]


@given(sets_of_facts())
def test_placeholders_are_exactly_the_parents_that_are_waited_for(told: list[ModelFact]) -> None:
    it = fold(CATALOG, told)
    placeholders = {entity for entity, what in it.entities.items() if what.state == "unknown"}
    awaited = {
        (CATALOG.relationship(name).parent, link.parent)
        for (name, _), link in it.links.items()
        if link.state == "waiting"
    }
    assert placeholders == awaited
    assert not placeholders & {(f.kind, f.key) for f in told if f.effect is not None}


@given(sets_of_facts())
def test_a_live_one_to_one_parent_with_children_is_linked_to_exactly_one(told: list[ModelFact]) -> None:
    bonds: dict[str, list[str]] = defaultdict(list)
    for (name, _), link in fold(CATALOG, told).links.items():
        if CATALOG.relationship(name).exclusive and link.state in ("linked", "conflict"):
            bonds[link.parent].append(link.state)
    assert all(of_one.count("linked") == 1 for of_one in bonds.values())


@given(sets_of_facts())
def test_only_the_live_have_fields(told: list[ModelFact]) -> None:
    assert all(e.state == "live" or e.data == {} for e in fold(CATALOG, told).entities.values())


def test_a_long_history_is_the_same_for_the_same_seed_and_in_any_delivery() -> None:
    events = history(seed=7, entities=120, facts=1500)
    assert events == history(seed=7, entities=120, facts=1500)
    delivered = deliver(seed=8, events=events, repeats=0.2)
    assert len(delivered) == 1800
    assert delivered[:1500] != events
    assert state(*delivered) == state(*events)


def test_all_24_orders_of_group_channel_rename_and_repeat_end_in_the_same_state() -> None:
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
