"""Merges, by hand: which keys are the same entity, which of them remains, and where links lead then."""

from itertools import permutations

import pytest
from hypothesis import given

from catalog.vocabulary import Effect
from facts.correlation import encode
from facts.order_key import at_position, order_key
from model.lines import entity_lines
from model.state import ModelLink
from tests.support.clinic_facts import (
    admitted,
    aliases,
    apart,
    discharged,
    link,
    may_be_merged,
    merged,
    opened,
    own,
    site_merged,
    state,
    unmerged,
    void,
)
from tests.support.events import Event, event, link_event
from tests.support.merge_histories import histories, kind_of, pairs_of
from tests.support.tenants import CLINIC, fold_events


@pytest.mark.parametrize(
    ("merges", "expected"),
    [
        ([], ""),
        ([merged("a", "b")], "b>a"),
        ([merged("b", "a")], "a>b"),
        ([merged("a", "b", "c", "d")], "b>a c>a d>a"),  # a star in one fact
        ([merged("a", "b"), merged("a", "c", at=2)], "b>a c>a"),
        ([merged("b", "a"), merged("c", "a")], "a>b c>b"),  # one loser of two: the smaller of those that never lost
        ([merged("b", "a"), merged("c", "b", at=2)], "a>c b>c"),  # a chain
        ([merged("a", "b"), merged("b", "c"), merged("c", "d")], "b>a c>a d>a"),
        ([merged("b", "a"), merged("a", "b")], "b>a"),  # a circle: the smallest
        ([merged("b", "a"), merged("c", "b"), merged("a", "c")], "b>a c>a"),
        ([merged("b", "a"), merged("a", "b"), merged("c", "a")], "a>c b>c"),  # a circle that lost as a whole
        ([merged("b", "a"), merged("a", "b"), merged("b", "c"), merged("b", "d")], "b>a c>a d>a"),
        ([merged("a", "b"), merged("c", "d")], "b>a d>c"),
        ([merged("é", "a"), merged("z", "a", at=2)], "a>z é>z"),  # by bytes, not by letters
    ],
)
def test_connected_keys_go_on_as_the_smallest_that_never_lost(merges: list[Event], expected: str) -> None:
    assert {aliases(*order) for order in permutations(merges)} == {expected}


def test_smallest_key_survives_where_that_is_the_rule() -> None:
    assert aliases(site_merged("a", "b"), site_merged("b", "c")) == "b>a c>a"
    assert aliases(site_merged("c", "b"), site_merged("b", "a")) == "b>a c>a"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([merged("a", "b", "c"), unmerged("a", "b")], "c>a"),  # in part
        ([merged("a", "b", at=2), unmerged("a", "b", at=1)], "b>a"),  # of facts about a pair, the last counts
        ([merged("a", "b"), unmerged("a", "b", at=2), merged("a", "b", at=3)], "b>a"),
        ([merged("b", "a"), merged("c", "b"), unmerged("b", "a")], "b>c"),  # the first of a chain
        ([merged("b", "a"), merged("c", "b"), unmerged("c", "b")], "a>b"),
        ([merged("a", "b"), unmerged("b", "a")], "b>a"),  # a pair has a direction
        ([merged("a", "b"), merged("b", "a"), unmerged("a", "b")], "a>b"),
        ([merged("a", "b"), void(merged("a", "b"))], ""),
        ([merged("a", "b"), unmerged("a", "b"), void(unmerged("a", "b"))], "b>a"),
    ],
)
def test_pairs_are_undone_one_by_one(facts: list[Event], expected: str) -> None:
    assert {aliases(*order) for order in permutations(facts)} == {expected}


@pytest.mark.parametrize(
    ("facts", "expected", "aside"),
    [
        ([apart("a", "b"), merged("a", "b")], "", {("b", "a"): "ab"}),
        ([apart("b", "a"), merged("a", "b")], "", {("b", "a"): "ab"}),
        ([apart("a", "c"), merged("b", "a", at=1), merged("c", "b", at=2)], "a>b", {("b", "c"): "abc"}),
        ([apart("a", "c"), merged("b", "a", at=2), merged("c", "b", at=1)], "b>c", {("a", "b"): "abc"}),
        ([apart("a", "d"), merged("a", "b", "c"), merged("d", "c", at=2)], "b>a c>a", {("c", "d"): "acd"}),
        ([apart("a", "c"), merged("a", "b", "c")], "b>a", {("c", "a"): "ac"}),  # a part of a merge
        ([apart("b", "c"), merged("a", "b", "c")], "b>a", {("c", "a"): "bac"}),  # of one fact, losers by key
        ([apart("a", "b"), may_be_merged("b", "a"), merged("a", "b")], "b>a", {}),
        ([apart("a", "b", at=9), may_be_merged("b", "a", at=1), merged("a", "b")], "", {("b", "a"): "ab"}),
        ([apart("a", "b"), void(apart("a", "b")), merged("a", "b")], "b>a", {}),
        ([apart("a", "c"), merged("b", "a"), merged("c", "b", at=2), unmerged("b", "a")], "b>c", {}),
        # What is set aside joins nothing, and its loser has not lost.
        ([apart("a", "b"), merged("b", "a", at=1), merged("a", "c", at=2)], "c>a", {("a", "b"): "ab"}),
        # A pair within a cluster joins no keys that were not joined.
        ([apart("a", "d"), merged("a", "b", "c"), merged("b", "c", at=2)], "b>a c>a", {}),
    ],
)
def test_pair_that_would_join_forbidden_ones_is_set_aside(
    facts: list[Event], expected: str, aside: dict[tuple[str, str], str]
) -> None:
    for order in permutations(facts):
        found = state(*order).merges
        assert aliases(*order) == expected
        assert {pair[1:]: "".join(path) for pair, path in found.set_aside.items()} == aside


def test_declarations_of_owner_and_operator_count_by_their_order() -> None:
    by_owner, by_operator = merged("a", "b", at=3), own("Unmerged", "a", 3, survivor="a", losers=["b"])
    assert fold_events(CLINIC, [by_owner, by_operator]).aliases == {}  # in the same place, the later arrival
    assert fold_events(CLINIC, [by_operator, by_owner]).aliases == {("patient", "b"): "a"}
    assert aliases(by_owner, by_operator, unmerged("a", "b", at=4), merged("a", "b", at=5)) == "b>a"
    assert aliases(own("MergeForbidden", "a", None, one="a", other="b"), by_owner) == ""
    assert aliases(own("Merged", "c", None, survivor="c", losers=["a", "b"])) == "a>c b>c"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], {"b": "merged"}),  # also of a key that no other fact names
        ([admitted("a")], {"a": "live", "b": "merged"}),
        ([admitted("b")], {"b": "merged"}),
        ([admitted("a"), admitted("b")], {"a": "live", "b": "merged"}),
        ([admitted("a"), admitted("b"), discharged("b")], {"a": "live", "b": "merged"}),
        ([admitted("a"), discharged("a"), admitted("b")], {"a": "deleted", "b": "merged"}),
        ([admitted("a"), discharged("a"), admitted("a", 6), admitted("b")], {"a": "live", "b": "merged"}),
        ([admitted("c", guardian="b")], {"a": "unknown", "b": "merged", "c": "live"}),
    ],
)
def test_survivor_is_what_its_own_facts_say(facts: list[Event], expected: dict[str, str]) -> None:
    found = state(merged("a", "b"), *facts).entities
    assert {key: entity.state for (_, key), entity in found.items()} == expected


def test_record_of_a_loser_is_kept_and_not_shown() -> None:
    found = state(admitted("b", site="s"), merged("a", "b"))
    assert (found.entities["patient", "b"].recorded, found.entities["patient", "b"].data) == ("live", {"site": "s"})
    assert entity_lines(found) == [b"entity|patient|b|merged|{}"]


def test_merge_says_nothing_about_the_state_of_its_entity() -> None:
    assert state(merged("a", "b"), unmerged("a", "b"), apart("c", "d")).entities == {}
    found = state(admitted("a", 3), merged("a", "b", at=7)).entities["patient", "a"]
    assert (found.sequence, found.data) == ("3", {})


def test_links_to_a_loser_lead_to_the_survivor_and_name_what_was_stated() -> None:
    facts = [admitted("p", site="s2"), site_merged("s2", "s1")]
    assert state(*facts).links["site_patient", "p"] == ModelLink("s1", "waiting", stated_parent="s2")
    assert state(*facts).entities["site", "s1"].state == "unknown"
    assert link("site_patient", "p", *facts, *opened("s1")) == "s1 linked"
    assert link("site_patient", "p", *facts, *opened("s2")) == "s1 waiting"
    assert link("site_patient", "p", *facts, *opened("s1"), event("SiteClosed", "s2", 2)) == "s1 linked"
    assert link("site_patient", "p", *facts, *opened("s1"), event("SiteClosed", "s1", 2)) == "s1 broken"


OWN_ONLY, NEWEST = "site_guest", "site_visitor"
OWN_ELSE_NEWEST = "site_patient"


@pytest.mark.parametrize(
    ("survivor", "losers", "expected"),
    [
        # Each record: the sequence of its creation, and the site that it names.
        ((1, "s1"), [(2, "s2"), (3, "s3")], {OWN_ELSE_NEWEST: "s1", OWN_ONLY: "s1", NEWEST: "s3"}),
        ((9, "s1"), [(2, "s2"), (3, "s3")], {OWN_ELSE_NEWEST: "s1", OWN_ONLY: "s1", NEWEST: "s1"}),
        ((9, None), [(3, "s2"), (2, "s3")], {OWN_ELSE_NEWEST: "s2", OWN_ONLY: None, NEWEST: "s2"}),
        ((9, None), [(1, None), (2, None)], {OWN_ELSE_NEWEST: None, OWN_ONLY: None, NEWEST: None}),
        ((1, "s1"), [(2, None), (3, "s1")], {OWN_ELSE_NEWEST: "s1", OWN_ONLY: "s1", NEWEST: "s1"}),
    ],
)
def test_one_record_decides_by_the_rule_of_the_relationship(
    survivor: tuple[int, str | None], losers: list[tuple[int, str | None]], expected: dict[str, str | None]
) -> None:
    facts = [merged("a", "b", "c"), *opened("s1", "s2", "s3")]
    facts += [admitted(key, at, site=site) for key, (at, site) in zip("abc", (survivor, *losers), strict=True)]
    for relationship, site in expected.items():
        assert link(relationship, "a", *facts) == (f"{site} linked" if site else "")
        assert link(relationship, "b", *facts) == link(relationship, "c", *facts) == ""


def test_link_of_a_merged_entity_ends_with_its_survivor() -> None:
    facts = [admitted("b", site="s1"), merged("a", "b"), *opened("s1")]
    assert link("site_patient", "a", *facts) == ""  # nothing is known of the survivor
    assert link("site_patient", "a", *facts, admitted("a")) == "s1 linked"
    assert link("site_patient", "a", *facts, admitted("a"), discharged("a")) == ""
    assert state(*facts, admitted("a")).links["site_patient", "a"].stated_child == "b"


def test_loser_that_is_deleted_was_retired_and_its_last_life_goes_on() -> None:
    facts = [admitted("a"), admitted("b", 1, site="s1"), discharged("b", 2), merged("a", "b"), *opened("s1", "s2")]
    assert link("site_patient", "a", *facts) == "s1 linked"
    again = [admitted("b", 3, site="s2"), discharged("b", 4)]
    assert link("site_patient", "a", *facts, *again) == "s2 linked"
    assert link("site_patient", "a", *facts, *again, discharged("b", 6)) == "s2 linked"  # deleted once more
    assert link("site_patient", "a", *facts, admitted("b", 3)) == ""  # a new life that names none
    never = event("PatientChanged", "b", 5, site="s2")  # after the deletion, of no life
    assert link("site_patient", "a", *facts, never) == "s1 linked"
    assert link("site_patient", "a", *facts, never, discharged("b", 6)) == "s1 linked"
    unborn = [event("PatientChanged", "c", 1, site="s1"), discharged("c", 2), merged("a", "c")]
    assert link("site_patient", "a", admitted("a"), *opened("s1"), *unborn) == "s1 linked"


def test_links_of_a_merged_entity_to_itself_are_left_out() -> None:
    facts = [admitted("a"), admitted("b", guardian="a")]
    assert link("guardian_patient", "b", *facts) == "a linked"
    assert link("guardian_patient", "a", *facts, merged("a", "b")) == ""
    assert state(*facts, merged("b", "a")).links == {}
    other = [admitted("a", guardian="c"), admitted("b", 9, guardian="a"), admitted("c")]
    for relationship in ("guardian_patient", "guardian_newest", "guardian_own"):
        assert link(relationship, "a", *other, merged("a", "b")) == "c linked"
    assert link("guardian_patient", "b", *other, merged("b", "a")) == "c linked"  # its own is left out
    assert link("guardian_own", "b", *other, merged("b", "a")) == ""
    assert link("guardian_patient", "a", admitted("a", guardian="a")) == "a linked"  # not merged, its own guardian
    assert link("guardian_patient", "a", admitted("a", guardian="a"), merged("a", "b")) == ""


@pytest.mark.parametrize(("relationship", "holder"), [("site_head", "q2"), ("site_first", "q2"), ("site_last", "q3")])
def test_rule_of_the_relationship_decides_which_child_holds_a_merged_parent(relationship: str, holder: str) -> None:
    children = [
        admitted(key, n, site=site) for n, (key, site) in enumerate(zip(("q1", "q2", "q3"), "bab", strict=True))
    ]
    facts = [*opened("a", "b"), *children]
    assert link(relationship, "q1", *facts) == "b linked"
    assert link(relationship, "q3", *facts) == "b conflict"
    found = {child: link(relationship, child, *facts, site_merged("b", "a")) for child in ("q1", "q2", "q3")}
    assert found == {child: "a linked" if child == holder else "a conflict" for child in found}


def test_of_children_created_together_the_smallest_key_holds_a_merged_parent() -> None:
    facts = [*opened("a"), site_merged("b", "a"), *(admitted(key, 1, site="b") for key in ("q2", "q1"))]
    changed = event("PatientChanged", "q0", 9, site="b")  # its creation is not known: it comes last
    for relationship in ("site_head", "site_first", "site_last"):
        assert link(relationship, "q1", *facts, changed) == "a linked"
        assert link(relationship, "q0", changed, *facts[:2]) == "a linked"


def test_merged_child_ranks_by_the_record_that_names_the_parent() -> None:
    facts = [*opened("s"), admitted("a", 9), admitted("b", 1, site="s"), admitted("c", 2, site="s")]
    assert link("site_head", "a", *facts, merged("a", "b")) == "s linked"
    assert link("site_head", "a", *facts, merged("a", "b"), discharged("b")) == "s linked"


def test_file_of_a_former_life_is_broken_whichever_key_survives() -> None:
    first = admitted("b", 1)
    life = at_position(order_key(first["sequence"], None, Effect.CREATED), 1)
    requested = event("FileOpened", "f", 1, correlation=encode("patient_file", "b", life))

    def file(*facts: Event) -> str:
        return link("patient_file", "f", requested, first, *facts)

    assert file() == "b linked"
    assert file(discharged("b"), admitted("b", 6)) == "b broken"
    survivor = [admitted("a"), merged("a", "b")]
    assert file(*survivor) == "a linked"
    assert file(*survivor, discharged("b")) == "a linked"  # retired: its last life goes on
    assert file(*survivor, discharged("b"), admitted("b", 6)) == "a broken"
    assert file(*survivor, discharged("b"), admitted("b", 6), discharged("b", 7)) == "a broken"
    assert file(*survivor, discharged("a")) == "a broken"
    assert file(*survivor, discharged("a"), admitted("a", 6)) == "a linked"  # the life of b was never the survivor's


def test_explicit_link_of_a_loser_counts_as_stated_by_it() -> None:
    facts = [admitted("a"), admitted("b", site="s2"), merged("a", "b"), *opened("s1", "s2")]
    assert link("site_patient", "a", *facts, link_event("site_patient", "b", "s1", 5)) == "s1 linked"
    assert link("site_patient", "a", *facts, link_event("site_patient", "c", "s1", 5), merged("a", "c")) == "s2 linked"


@given(histories(merges_only=True))
def test_clusters_are_the_connected_keys_if_nothing_is_forbidden(events: list[Event]) -> None:
    last: dict[tuple[str, str, str], tuple[tuple[int, int], bool]] = {}
    for number, one in enumerate(events):
        if one["type"].removesuffix(".v1").endswith(("Merged", "Unmerged")):
            for pair in pairs_of(one):
                at, place = (kind_of(one), *pair), (int(one["sequence"]), number)
                if at not in last or last[at][0] < place:
                    last[at] = place, "Unmerged" not in one["type"]
    groups: dict[tuple[str, str], set[str]] = {}
    for (kind, loser, survivor), (_, holds) in last.items():
        if holds:
            both = groups.get((kind, loser), {loser}) | groups.get((kind, survivor), {survivor})
            groups |= {(kind, key): both for key in both}
    merges = fold_events(CLINIC, events).merges
    assert {(kind, frozenset({key, *losers})) for (kind, key), losers in merges.clusters.items()} == {
        (kind, frozenset(keys)) for (kind, _), keys in groups.items()
    }
    assert merges.set_aside == {}
    assert all((kind, survivor) not in merges.aliases for (kind, _), survivor in merges.aliases.items())
