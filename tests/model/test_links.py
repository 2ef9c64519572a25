"""Links: the parent of a child, and the state of the link."""

import pytest

from tests.support.events import event, link_event, unlink_event
from tests.support.model_facts import entity_states, links, state

LAMP = event("ItemAdded", "lamp", 1, name="Lamp", category="light")
LIGHT = event("CategoryAdded", "light", 1, name="Light")


def test_child_waits_until_its_parent_is_known() -> None:
    assert links(LAMP) == {"lamp": "light waiting"}
    assert links(LAMP, LIGHT) == {"lamp": "light linked"}


def test_link_to_a_deleted_parent_is_broken() -> None:
    removed = event("CategoryRemoved", "light", 2)
    assert links(LAMP, LIGHT, removed) == links(LAMP, removed) == {"lamp": "light broken"}


def test_recreated_parent_repairs_a_broken_link() -> None:
    again = event("CategoryAdded", "light", 3, name="Light")
    assert links(LAMP, LIGHT, event("CategoryRemoved", "light", 2), again) == {"lamp": "light linked"}


def test_deleted_child_has_no_link() -> None:
    assert links(LAMP, LIGHT, event("ItemRemoved", "lamp", 2)) == {}


def test_recreated_child_has_no_link_until_a_fact_names_its_parent() -> None:
    history = [LAMP, LIGHT, event("ItemRemoved", "lamp", 2), event("ItemAdded", "lamp", 3, name="Lamp")]
    assert links(*history) == {}
    assert links(*history, event("ItemUpdated", "lamp", 4, category="light")) == {"lamp": "light linked"}


def test_child_without_reference_or_with_null_has_no_link() -> None:
    assert links(event("ItemAdded", "a", 1, name="A"), event("ItemAdded", "b", 1, name="B", category=None)) == {}


def test_move_to_an_unknown_parent_unlinks_the_old_one_at_once() -> None:
    moved = event("ItemUpdated", "lamp", 2, category="outdoors")
    assert links(moved, LAMP, LIGHT) == {"lamp": "outdoors waiting"}
    assert entity_states(moved, LAMP, LIGHT) == {"lamp": "live", "light": "live", "outdoors": "unknown"}


def test_move_away_and_back_ends_at_the_parent_of_the_newest_fact() -> None:
    away, back = (
        event("ItemUpdated", "lamp", 2, category="outdoors"),
        event("ItemUpdated", "lamp", 3, category="light"),
    )
    assert links(back, away, LAMP, LIGHT) == {"lamp": "light linked"}


def test_change_without_the_reference_keeps_the_link() -> None:
    assert links(LAMP, LIGHT, event("ItemUpdated", "lamp", 2, name="Lantern")) == {"lamp": "light linked"}


def test_unknown_parent_is_a_placeholder_only_while_referred_to() -> None:
    assert entity_states(LAMP) == {"lamp": "live", "light": "unknown"}
    assert entity_states(LAMP, event("ItemUpdated", "lamp", 2, category=None)) == {"lamp": "live"}
    assert entity_states(LAMP, event("ItemRemoved", "lamp", 2)) == {"lamp": "deleted"}


def test_flight_has_four_references_of_which_one_may_be_null() -> None:
    flight = event("FlightScheduled", "f", 1, carrier="UA", origin="EWR", dest="IAH", tailnum=None)
    it = state(flight, event("AirportAdded", "EWR", 1, name="Newark"))
    assert {name: f"{of.parent} {of.state}" for (name, _), of in it.links.items()} == {
        "airline_flight": "UA waiting",
        "origin_flight": "EWR linked",
        "dest_flight": "IAH waiting",
    }


def test_integer_reference_equals_its_digits() -> None:
    assert links(event("ItemAdded", "lamp", 1, category=7), event("CategoryAdded", "7", 1)) == {"lamp": "7 linked"}


@pytest.mark.parametrize("reference", ["", True, 1.5, ["light"], {}, "x" * 513, "a\x00b"])
def test_value_that_is_no_key_makes_no_link(reference: object) -> None:
    assert links(event("ItemAdded", "lamp", 1, category=reference)) == {}
    assert (
        links(event("ItemAdded", "lamp", 1, category="light"), event("ItemUpdated", "lamp", 2, category=reference))
        == {}
    )


def test_explicit_link_holds_until_a_fact_of_the_child_names_a_parent() -> None:
    explicit = link_event("category_item", "lamp", "outdoors", 1)
    assert links(explicit, LAMP, LIGHT) == {"lamp": "outdoors waiting"}
    assert links(explicit, LAMP, LIGHT, event("ItemUpdated", "lamp", 2, name="Lantern")) == {"lamp": "outdoors waiting"}
    assert links(explicit, LAMP, LIGHT, event("ItemUpdated", "lamp", 2, category="light")) == {"lamp": "light linked"}


def test_explicit_unlink_holds_until_a_fact_of_the_child_names_a_parent() -> None:
    explicit = unlink_event("category_item", "lamp", 1)
    assert links(explicit, LAMP, LIGHT) == {}
    assert links(explicit, LAMP, LIGHT, event("ItemUpdated", "lamp", 2, category="light")) == {"lamp": "light linked"}


def test_explicit_link_from_before_the_childs_deletion_has_no_effect() -> None:
    history = [LAMP, event("ItemRemoved", "lamp", 3), event("ItemAdded", "lamp", 4, name="Lamp")]
    assert links(*history, link_event("category_item", "lamp", "light", 2)) == {}


def test_explicit_link_alone_makes_no_entity_known() -> None:
    assert entity_states(link_event("category_item", "lamp", "light", 1)) == {}
    assert entity_states(link_event("category_item", "lamp", "outdoors", 1), event("ItemAdded", "lamp", 1)) == {
        "lamp": "live",
        "outdoors": "unknown",
    }


def test_explicit_link_concerns_its_own_relationship_only() -> None:
    flight = event("FlightScheduled", "f", 1, carrier="UA", origin="EWR", dest="IAH")
    it = state(flight, link_event("dest_flight", "f", "ORD", 1))
    assert {name: of.parent for (name, _), of in it.links.items()} == {
        "airline_flight": "UA",
        "origin_flight": "EWR",
        "dest_flight": "ORD",
    }
