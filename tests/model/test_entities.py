"""State and fields of one entity, folded from its facts."""

import pytest

from catalog.registry import OWN_SOURCE
from errors import Conflict
from model.facts import FactId
from model.fold import fold
from model.state import ModelEntity, ModelState
from tests.support.events import Event, event
from tests.support.model_facts import CATALOG, entity_states, facts, state


def entity(kind: str, key: str, *events: Event) -> ModelEntity:
    return state(*events).entities[kind, key]


def test_no_facts_give_an_empty_state() -> None:
    assert state() == ModelState({}, {})


def test_change_alone_makes_an_entity_live() -> None:
    it = entity("group", "g", event("GroupRenamed", "g", 5, name="Divers"))
    assert (it.state, it.data, it.sequence) == ("live", {"name": "Divers"}, "5")


def test_deletion_alone_gives_a_tombstone() -> None:
    assert entity("group", "g", event("GroupDeleted", "g", 3)) == ModelEntity(
        "deleted", {}, FactId("/groups", "GroupDeleted/g/3"), "3", FactId("/groups", "GroupDeleted/g/3")
    )


def test_deletion_that_arrives_first_still_deletes() -> None:
    deleted, created = event("GroupDeleted", "g", 3), event("GroupCreated", "g", 1, name="Divers")
    assert entity_states(deleted, created, event("GroupRenamed", "g", 2, name="Late")) == {"g": "deleted"}


def test_change_after_a_deletion_does_not_revive_the_entity() -> None:
    it = entity("group", "g", event("GroupDeleted", "g", 3), event("GroupRenamed", "g", 4, name="Ghost"))
    assert (it.state, it.data, it.sequence) == ("deleted", {}, "4")


def test_recreation_starts_without_the_fields_before_the_deletion() -> None:
    it = entity(
        "item",
        "i",
        event("ItemAdded", "i", 1, name="Old", category="c", colour="red"),
        event("ItemRemoved", "i", 2),
        event("ItemAdded", "i", 3, name="New"),
    )
    assert (it.state, it.data) == ("live", {"name": "New"})
    assert it.ended == FactId("/items", "ItemRemoved/i/2")


def test_late_facts_from_before_the_deletion_have_no_effect() -> None:
    history = [
        event("ItemAdded", "i", 1, name="Old"),
        event("ItemRemoved", "i", 3),
        event("ItemAdded", "i", 5, name="New"),
    ]
    late = [event("ItemUpdated", "i", 2, colour="red", category="c"), event("ItemRemoved", "i", 0)]
    assert state(*history, *late) == state(*history)


def test_change_between_deletion_and_recreation_counts() -> None:
    history = [
        event("ItemRemoved", "i", 1),
        event("ItemUpdated", "i", 2, colour="red"),
        event("ItemAdded", "i", 3, name="New"),
    ]
    assert entity("item", "i", *history).data == {"colour": "red", "name": "New"}


def test_newest_value_of_each_field_wins_and_null_is_a_value() -> None:
    it = entity(
        "item",
        "i",
        event("ItemUpdated", "i", 3, category=None),
        event("ItemAdded", "i", 1, name="Lamp", category="c"),
        event("ItemUpdated", "i", 2, name="Lantern"),
    )
    assert it.data == {"name": "Lantern", "category": None}


def test_defaults_of_the_contract_are_not_values() -> None:
    assert entity("item", "i", event("ItemUpdated", "i", 1)).data == {}


def test_fact_with_a_sequence_wins_over_one_with_a_later_time() -> None:
    numbered = event("GroupCreated", "g", 1, name="Numbered")
    timed = event("GroupRenamed", "g", None, time="2999-01-01T00:00:00Z", name="Timed")
    assert entity("group", "g", numbered, timed).data == {"name": "Numbered"}


def test_same_key_of_two_kinds_is_two_entities() -> None:
    it = state(event("GroupCreated", "x", 1, name="G"), event("CategoryRemoved", "x", 1))
    assert {kind_and_key: what.state for kind_and_key, what in it.entities.items()} == {
        ("group", "x"): "live",
        ("category", "x"): "deleted",
    }


def test_announcement_creates_no_entities() -> None:
    announced = event("GroupChannelLinked", "c", 1, source=OWN_SOURCE, parent="g", child="c")
    assert state(announced) == ModelState({}, {})


def test_second_fact_with_the_same_source_and_id_is_refused() -> None:
    first = event("GroupCreated", "g", 1, id="1", name="Divers")
    other = event("GroupCreated", "g", 1, id="1", name="Climbers")
    assert state(first, dict(first)) == state(first)
    with pytest.raises(Conflict, match="the id '1' and the source '/groups'"):
        fold(CATALOG, facts([first, other]))


def test_two_sources_may_use_the_same_id() -> None:
    it = entity(
        "group",
        "g",
        event("GroupCreated", "g", 1, id="1", name="Divers", source="/a"),
        event("GroupRenamed", "g", 1, id="1", name="Climbers", source="/b"),
    )
    assert (it.data, it.latest) == ({"name": "Climbers"}, FactId("/b", "1"))
