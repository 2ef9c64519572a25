"""The pairs that facts about identity name."""

from typing import Any

import pytest

from config import Limits
from errors import Unacceptable
from facts.envelope import Entry, read
from facts.identity import pairs
from facts.validation import Validator
from tests.support.events import event
from tests.support.tenants import CLINIC


def entry(fact: str, key: str, **data: Any) -> Entry:
    return Validator(CLINIC, Limits()).validate(read(event(fact, key, source="/clinic", **data)))


def named(fact: str, key: str, **data: Any) -> list[tuple[str, ...]]:
    """Returns (kind, one, other) of each pair."""
    one = entry(fact, key, **data)
    return [tuple(pair) for pair in pairs(CLINIC, one.source, one.type, one.kind, one.key, one.data)]


def test_merge_names_each_loser_once_with_the_survivor() -> None:
    assert named("PatientMerged", "a", survivor="a", losers=["b", "c", "b"]) == [
        ("patient", "b", "a"),
        ("patient", "c", "a"),
    ]


def test_fact_without_a_field_of_losers_is_about_the_one_loser() -> None:
    assert named("SiteMerged", "a", into="b") == [("site", "a", "b")]
    assert named("SiteUnmerged", "a", into="b") == [("site", "a", "b")]
    assert named("SiteMerged", "a", into="b", losers=["c"]) == [("site", "a", "b")]  # not declared: says nothing
    assert named("SiteMerged", "a", into="b", losers="c") == [("site", "a", "b")]


def test_forbidden_pair_begins_with_the_smaller_key() -> None:
    assert named("PatientsKeptApart", "é", one="é", other="z") == [("patient", "z", "é")]


@pytest.mark.parametrize(
    ("fact", "key", "data"),
    [
        ("PatientMerged", "a", {"survivor": "a", "losers": []}),
        ("PatientMerged", "a", {"survivor": "a", "losers": ["b", "a"]}),
        ("PatientMerged", "a", {"survivor": "a", "losers": ["b", ""]}),
        ("PatientMerged", "a", {"survivor": "a", "losers": ["b" * 3_000]}),
        ("SiteMerged", "a", {"into": "a"}),
        ("SiteMerged", "a", {"into": ""}),
        ("PatientsKeptApart", "a", {"one": "a", "other": "a"}),
    ],
)
def test_keys_that_cannot_be_a_pair_are_refused(fact: str, key: str, data: dict[str, Any]) -> None:
    with pytest.raises(Unacceptable):
        entry(fact, key, **data)
