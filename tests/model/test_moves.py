"""Moves: a fact of the child names another parent."""

from itertools import permutations

import pytest

from model.lines import link_counts
from tests.support.events import event
from tests.support.model_facts import CATALOG, entity_states, links, state

IN_A = event("TeamCreated", "t", 1, name="Otters", event_id="A")
TO_B = event("TeamMoved", "t", 2, event_id="B")
A = event("EventCreated", "A", 1, name="Autumn cup")
B = event("EventCreated", "B", 1, name="Spring cup")


def test_move_unlinks_the_old_event_and_links_the_new_one() -> None:
    assert links(IN_A, A, B) == {"t": "A linked"}
    assert links(IN_A, A, B, TO_B) == {"t": "B linked"}


def test_move_of_one_team_does_not_move_others() -> None:
    other = event("TeamCreated", "u", 1, name="Beavers", event_id="A")
    assert links(IN_A, other, A, B) == {"t": "A linked", "u": "A linked"}
    assert links(IN_A, other, A, B, TO_B) == {"t": "B linked", "u": "A linked"}


def test_two_teams_in_one_event_are_no_conflict() -> None:
    there = event("TeamCreated", "u", 1, name="Beavers", event_id="B")
    assert link_counts(CATALOG, state(IN_A, there, TO_B, B))["event_team"] == {
        "linked": 2,
        "waiting": 0,
        "broken": 0,
        "conflict": 0,
    }


def test_move_to_an_unknown_event_waits_for_that_event_only() -> None:
    assert entity_states(IN_A) == {"t": "live", "A": "unknown"}
    assert links(IN_A, TO_B) == {"t": "B waiting"}
    assert entity_states(IN_A, TO_B) == {"t": "live", "B": "unknown"}


@pytest.mark.parametrize("before", [[], [B]], ids=["only its deletion is known", "it existed"])
def test_move_to_a_deleted_event_gives_a_broken_link(before: list[dict[str, object]]) -> None:
    deleted = event("EventDeleted", "B", 2)
    assert links(IN_A, A, TO_B, *before, deleted) == links(deleted, *before, TO_B, A, IN_A) == {"t": "B broken"}


def test_deletion_of_the_old_event_does_not_affect_a_moved_team() -> None:
    assert links(IN_A, TO_B, A, B, event("EventDeleted", "A", 2)) == {"t": "B linked"}


def test_move_out_of_a_deleted_event_repairs_the_link() -> None:
    deleted = event("EventDeleted", "A", 2)
    assert links(IN_A, deleted, B) == {"t": "A broken"}
    assert links(IN_A, deleted, B, TO_B) == {"t": "B linked"}


def test_deleted_team_has_no_link_and_no_placeholder() -> None:
    deleted = event("TeamDeleted", "t", 3)
    assert links(IN_A, TO_B, A, B, deleted) == {}
    assert entity_states(IN_A, TO_B, deleted) == {"t": "deleted"}


def test_move_before_the_deletion_does_not_link_the_recreated_team() -> None:
    facts = [IN_A, TO_B, event("TeamDeleted", "t", 3), event("TeamCreated", "t", 4, name="Otters")]
    assert links(*facts) == links(*facts[2:], *facts[:2]) == {}
    assert links(*facts, event("TeamMoved", "t", 5, event_id="A")) == {"t": "A waiting"}


def test_move_does_not_revive_a_deleted_team() -> None:
    facts = [IN_A, event("TeamDeleted", "t", 2), event("TeamMoved", "t", 3, event_id="B")]
    assert links(*facts) == links(*reversed(facts)) == {}
    assert entity_states(*facts) == {"t": "deleted"}


def test_older_move_that_arrives_late_has_no_effect() -> None:
    to_c = event("TeamMoved", "t", 3, event_id="C")
    assert links(IN_A, to_c) == {"t": "C waiting"}
    assert links(IN_A, to_c, TO_B) == {"t": "C waiting"}
    assert links(TO_B, IN_A) == {"t": "B waiting"}


def test_sequences_are_compared_as_numbers() -> None:
    ninth, tenth = event("TeamMoved", "t", 9, event_id="B"), event("TeamMoved", "t", 10, event_id="C")
    assert links(IN_A, tenth, ninth) == links(IN_A, ninth, tenth) == {"t": "C waiting"}


def test_equal_sequences_of_moves_are_decided_by_time_then_id() -> None:
    early = event("TeamMoved", "t", 2, time="2013-01-01T00:00:00Z", id="z", event_id="B")
    late = event("TeamMoved", "t", 2, time="2013-01-01T00:00:01Z", id="a", event_id="C")
    twin = event("TeamMoved", "t", 2, time="2013-01-01T00:00:01Z", id="b", event_id="D")
    assert links(IN_A, late, early) == links(early, IN_A, late) == {"t": "C waiting"}
    assert links(twin, late, early) == links(early, late, twin) == {"t": "D waiting"}


def test_move_alone_makes_a_team_live() -> None:
    assert links(TO_B, B) == {"t": "B linked"}
    assert entity_states(TO_B, B) == {"t": "live", "B": "live"}


def test_withdrawn_team_has_no_link_also_once_its_event_is_deleted() -> None:
    withdrawn = event("TeamMoved", "t", 2, event_id=None)
    assert links(IN_A, A, withdrawn) == links(IN_A, A, withdrawn, event("EventDeleted", "A", 2)) == {}
    assert entity_states(IN_A, withdrawn) == {"t": "live"}
    assert links(IN_A, A, withdrawn, event("TeamMoved", "t", 3, event_id="A")) == {"t": "A linked"}


def test_rename_does_not_move_a_team() -> None:
    assert links(IN_A, TO_B, B, event("TeamRenamed", "t", 3, name="Sea otters")) == {"t": "B linked"}


def test_all_120_orders_of_a_move_and_its_return_give_the_same_link() -> None:
    facts = [IN_A, TO_B, event("TeamMoved", "t", 3, event_id="A"), A, event("EventDeleted", "B", 4)]
    results = [links(*order) for order in permutations(facts)]
    assert results == [{"t": "A linked"}] * 120
