"""Moves: a child changes its parent by a fact of its own."""

from itertools import permutations

import pytest

from model.lines import link_counts
from tests.support.events import event
from tests.support.model_facts import CATALOG, entity_states, links, state

IN_A = event("TeamCreated", "t", 1, name="Otters", event_id="A")
TO_B = event("TeamMoved", "t", 2, event_id="B")
A = event("EventCreated", "A", 1, name="Autumn cup")
B = event("EventCreated", "B", 1, name="Spring cup")


def test_a_move_leaves_the_old_event_and_enters_the_new_one() -> None:
    assert links(IN_A, A, B) == {"t": "A linked"}
    assert links(IN_A, A, B, TO_B) == {"t": "B linked"}


def test_a_team_that_moves_takes_nobody_with_it() -> None:
    other = event("TeamCreated", "u", 1, name="Beavers", event_id="A")
    assert links(IN_A, other, A, B) == {"t": "A linked", "u": "A linked"}
    assert links(IN_A, other, A, B, TO_B) == {"t": "B linked", "u": "A linked"}


def test_two_teams_that_meet_in_one_event_are_no_conflict() -> None:
    there = event("TeamCreated", "u", 1, name="Beavers", event_id="B")
    assert link_counts(CATALOG, state(IN_A, there, TO_B, B))["event_team"] == {
        "linked": 2,
        "waiting": 0,
        "broken": 0,
        "conflict": 0,
    }


def test_a_move_to_an_event_never_heard_of_waits_there_and_no_longer_for_the_old_one() -> None:
    assert entity_states(IN_A) == {"t": "live", "A": "unknown"}
    assert links(IN_A, TO_B) == {"t": "B waiting"}
    assert entity_states(IN_A, TO_B) == {"t": "live", "B": "unknown"}


@pytest.mark.parametrize("before", [[], [B]], ids=["its end is all we know", "it was there"])
def test_a_move_to_an_event_that_was_called_off_is_broken(before: list[dict[str, object]]) -> None:
    off = event("EventDeleted", "B", 2)
    assert links(IN_A, A, TO_B, *before, off) == links(off, *before, TO_B, A, IN_A) == {"t": "B broken"}


def test_a_team_that_left_in_time_is_not_touched_by_the_end_of_its_old_event() -> None:
    assert links(IN_A, TO_B, A, B, event("EventDeleted", "A", 2)) == {"t": "B linked"}


def test_a_move_out_of_an_event_that_was_called_off_makes_the_link_whole() -> None:
    off = event("EventDeleted", "A", 2)
    assert links(IN_A, off, B) == {"t": "A broken"}
    assert links(IN_A, off, B, TO_B) == {"t": "B linked"}


def test_a_team_that_is_dissolved_is_in_no_event_and_keeps_none_waiting() -> None:
    dissolved = event("TeamDeleted", "t", 3)
    assert links(IN_A, TO_B, A, B, dissolved) == {}
    assert entity_states(IN_A, TO_B, dissolved) == {"t": "deleted"}


def test_a_move_from_before_the_end_says_nothing_of_the_team_that_is_registered_again() -> None:
    told = [IN_A, TO_B, event("TeamDeleted", "t", 3), event("TeamCreated", "t", 4, name="Otters")]
    assert links(*told) == links(*told[2:], *told[:2]) == {}
    assert links(*told, event("TeamMoved", "t", 5, event_id="A")) == {"t": "A waiting"}


def test_a_move_does_not_bring_a_dissolved_team_back() -> None:
    told = [IN_A, event("TeamDeleted", "t", 2), event("TeamMoved", "t", 3, event_id="B")]
    assert links(*told) == links(*reversed(told)) == {}
    assert entity_states(*told) == {"t": "deleted"}


def test_an_older_move_that_comes_late_does_not_win() -> None:
    to_c = event("TeamMoved", "t", 3, event_id="C")
    assert links(IN_A, to_c) == {"t": "C waiting"}
    assert links(IN_A, to_c, TO_B) == {"t": "C waiting"}
    assert links(TO_B, IN_A) == {"t": "B waiting"}


def test_sequences_are_compared_as_numbers() -> None:
    ninth, tenth = event("TeamMoved", "t", 9, event_id="B"), event("TeamMoved", "t", 10, event_id="C")
    assert links(IN_A, tenth, ninth) == links(IN_A, ninth, tenth) == {"t": "C waiting"}


def test_of_two_moves_of_one_sequence_the_later_time_wins_and_then_the_greater_id() -> None:
    early = event("TeamMoved", "t", 2, time="2013-01-01T00:00:00Z", id="z", event_id="B")
    late = event("TeamMoved", "t", 2, time="2013-01-01T00:00:01Z", id="a", event_id="C")
    twin = event("TeamMoved", "t", 2, time="2013-01-01T00:00:01Z", id="b", event_id="D")
    assert links(IN_A, late, early) == links(early, IN_A, late) == {"t": "C waiting"}
    assert links(twin, late, early) == links(early, late, twin) == {"t": "D waiting"}


def test_a_move_is_enough_to_know_of_a_team() -> None:
    assert links(TO_B, B) == {"t": "B linked"}
    assert entity_states(TO_B, B) == {"t": "live", "B": "live"}


def test_a_team_that_is_withdrawn_is_in_no_event_whatever_becomes_of_it() -> None:
    withdrawn = event("TeamMoved", "t", 2, event_id=None)
    assert links(IN_A, A, withdrawn) == links(IN_A, A, withdrawn, event("EventDeleted", "A", 2)) == {}
    assert entity_states(IN_A, withdrawn) == {"t": "live"}
    assert links(IN_A, A, withdrawn, event("TeamMoved", "t", 3, event_id="A")) == {"t": "A linked"}


def test_another_name_is_no_move() -> None:
    assert links(IN_A, TO_B, B, event("TeamRenamed", "t", 3, name="Sea otters")) == {"t": "B linked"}


def test_all_120_orders_of_a_move_there_and_back_end_alike() -> None:
    told = [IN_A, TO_B, event("TeamMoved", "t", 3, event_id="A"), A, event("EventDeleted", "B", 4)]
    ends = [links(*order) for order in permutations(told)]
    assert ends == [{"t": "A linked"}] * 120
