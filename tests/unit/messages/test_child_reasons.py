"""Sentences about children of operations, made of codes and details."""

from typing import NamedTuple, get_args

import pytest

from messages.child_reasons import ParkCode, SkipCode, describe_child
from messages.operation_reasons import ReasonDetails


class Row(NamedTuple):
    """The columns that a sentence is made of."""

    skip_reason: SkipCode | None = None
    park_reason: ParkCode | None = None
    details: ReasonDetails | None = None
    last_error: str = ""


RESTRICTED: ReasonDetails = {
    "kind": "team",
    "key": "t",
    "child_kind": "booking",
    "child": "k",
    "parent_kind": "team",
    "parent": "t",
    "relationship": "team_booking",
}
SINCE: ReasonDetails = {"since": "2026-01-02T03:04:05.6+02:00"}
RESTRICTION = (
    "team 't' cannot be deleted: booking 'k' belongs to team 't' by team_booking, which restricts that; move or delete "
    "the booking first"
)
SENTENCES = [
    (Row(), ""),
    (Row(last_error="answered 503"), "answered 503"),
    (Row(skip_reason="left_and_returned"), "it left its parent, and came back by another fact"),
    (Row(skip_reason="recreated"), "it was deleted and created again"),
    (Row(skip_reason="parent_recreated"), "its parent was created again before it was requested"),
    (
        Row(skip_reason="of_new_life"),
        "a fact named its parent after that was created again, so it belongs to the new one",
    ),
    (Row(skip_reason="parent_deleted_again"), "its parent was deleted again: it belongs to that deletion"),
    (Row(skip_reason="not_merged"), "it is not merged any more"),
    (Row(skip_reason="not_known"), "no fact about it is known, so there is nothing to retire"),
    (Row(park_reason="request_refused", last_error="refused with 422: no"), "refused with 422: no"),
    (Row(park_reason="attempts_exhausted", last_error="answered 500"), "answered 500"),
    (
        Row(park_reason="not_confirmed", details=SINCE),
        "requested at 2026-01-02 01:04 UTC, and no fact has confirmed it",
    ),
    (
        Row(park_reason="not_confirmed", details=SINCE, last_error="no t"),
        "requested at 2026-01-02 01:04 UTC, and no fact has confirmed it: no t",
    ),
    (Row(park_reason="restricted", details=RESTRICTED), RESTRICTION),
    (Row(park_reason="target_deleted", details={"kind": "event", "key": "b"}), "event b is deleted"),
]


@pytest.mark.parametrize(("row", "sentence"), SENTENCES)
def test_child_is_described_by_its_code_and_details(row: Row, sentence: str) -> None:
    assert describe_child(row) == sentence


def test_table_of_this_test_has_every_code() -> None:
    assert {row.skip_reason for row, _ in SENTENCES} == {None, *get_args(SkipCode)}
    assert {row.park_reason for row, _ in SENTENCES} == {None, *get_args(ParkCode)}
