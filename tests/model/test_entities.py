"""Lives and fields: what the facts of one entity come to."""

import pytest

from catalog.registry import OWN_SOURCE
from errors import Conflict
from model.facts import FactId
from model.fold import fold
from model.state import ModelEntity, ModelState
from tests.support.events import Event, event
from tests.support.model_facts import CATALOG, entity_states, facts, state


def the(kind: str, key: str, *events: Event) -> ModelEntity:
    return state(*events).entities[kind, key]


def test_without_facts_there_is_nothing() -> None:
    assert state() == ModelState({}, {})


def test_a_change_alone_makes_an_entity_live() -> None:
    it = the("group", "g", event("GroupRenamed", "g", 5, name="Divers"))
    assert (it.state, it.data, it.sequence) == ("live", {"name": "Divers"}, "5")


def test_an_end_alone_is_a_complete_story() -> None:
    assert the("group", "g", event("GroupDeleted", "g", 3)) == ModelEntity(
        "deleted", {}, FactId("/groups", "GroupDeleted/g/3"), "3", FactId("/groups", "GroupDeleted/g/3")
    )


def test_an_end_that_was_heard_first_still_ends_what_came_before_it() -> None:
    end, begin = event("GroupDeleted", "g", 3), event("GroupCreated", "g", 1, name="Divers")
    assert entity_states(end, begin, event("GroupRenamed", "g", 2, name="Late")) == {"g": "deleted"}


def test_a_change_after_the_end_revives_nothing() -> None:
    it = the("group", "g", event("GroupDeleted", "g", 3), event("GroupRenamed", "g", 4, name="Ghost"))
    assert (it.state, it.data, it.sequence) == ("deleted", {}, "4")


def test_only_a_creation_revives_and_fields_from_before_the_end_do_not_count() -> None:
    it = the(
        "item",
        "i",
        event("ItemAdded", "i", 1, name="Old", category="c", colour="red"),
        event("ItemRemoved", "i", 2),
        event("ItemAdded", "i", 3, name="New"),
    )
    assert (it.state, it.data) == ("live", {"name": "New"})
    assert it.ended == FactId("/items", "ItemRemoved/i/2")


def test_late_facts_from_before_the_end_count_for_nothing() -> None:
    lived = [
        event("ItemAdded", "i", 1, name="Old"),
        event("ItemRemoved", "i", 3),
        event("ItemAdded", "i", 5, name="New"),
    ]
    late = [event("ItemUpdated", "i", 2, colour="red", category="c"), event("ItemRemoved", "i", 0)]
    assert state(*lived, *late) == state(*lived)


def test_a_change_between_the_end_and_the_revival_counts() -> None:
    lived = [
        event("ItemRemoved", "i", 1),
        event("ItemUpdated", "i", 2, colour="red"),
        event("ItemAdded", "i", 3, name="New"),
    ]
    assert the("item", "i", *lived).data == {"colour": "red", "name": "New"}


def test_the_newest_value_wins_field_by_field_and_null_is_a_value() -> None:
    it = the(
        "item",
        "i",
        event("ItemUpdated", "i", 3, category=None),
        event("ItemAdded", "i", 1, name="Lamp", category="c"),
        event("ItemUpdated", "i", 2, name="Lantern"),
    )
    assert it.data == {"name": "Lantern", "category": None}


def test_defaults_of_the_contract_are_not_values() -> None:
    assert the("item", "i", event("ItemUpdated", "i", 1)).data == {}


def test_a_number_wins_over_a_later_time_without_one() -> None:
    numbered = event("GroupCreated", "g", 1, name="Numbered")
    timed = event("GroupRenamed", "g", None, time="2999-01-01T00:00:00Z", name="Timed")
    assert the("group", "g", numbered, timed).data == {"name": "Numbered"}


def test_the_same_key_of_two_kinds_is_two_entities() -> None:
    it = state(event("GroupCreated", "x", 1, name="G"), event("CategoryRemoved", "x", 1))
    assert {entity: what.state for entity, what in it.entities.items()} == {
        ("group", "x"): "live",
        ("category", "x"): "deleted",
    }


def test_what_tether_announces_makes_nobody_heard() -> None:
    announced = event("GroupChannelLinked", "c", 1, source=OWN_SOURCE, parent="g", child="c")
    assert state(announced) == ModelState({}, {})


def test_two_facts_of_one_name_are_refused_but_a_repeat_is_not() -> None:
    first = event("GroupCreated", "g", 1, id="1", name="Divers")
    other = event("GroupCreated", "g", 1, id="1", name="Climbers")
    assert state(first, dict(first)) == state(first)
    with pytest.raises(Conflict, match="the id '1' and the source '/groups'"):
        fold(CATALOG, facts([first, other]))


def test_two_sources_may_use_the_same_id() -> None:
    it = the(
        "group",
        "g",
        event("GroupCreated", "g", 1, id="1", name="Divers", source="/a"),
        event("GroupRenamed", "g", 1, id="1", name="Climbers", source="/b"),
    )
    assert (it.data, it.latest) == ({"name": "Climbers"}, FactId("/b", "1"))
