"""Descriptions of operations are built from codes and details."""

from typing import get_args

import pytest

from messages.operation_reasons import EndCode, EndReason, ReasonDetails, describe_reason

ALL: ReasonDetails = {
    "kind": "event",
    "key": "e",
    "parent_kind": "event",
    "parent": "p",
    "child_kind": "team",
    "child": "t",
    "relationship": "event_team",
    "fact": "EventDeleted",
    "operation": "o1",
    "declaration": "the kind event",
    "unconfirmed": 1,
    "remaining": 2,
    "parked": 3,
    "skipped": 4,
    "path": ["a", "b", "c"],
    "merge": "m",
    "other": "o",
    "linked_kind": "event",
    "linked": "p",
    "other_linked": "q",
}


@pytest.mark.parametrize("code", get_args(EndCode))
def test_every_code_has_a_sentence(code: EndCode) -> None:
    assert describe_reason(EndReason(code, ALL), "it said no")


@pytest.mark.parametrize(
    ("details", "last_error", "sentence"),
    [
        ({"fact": "EventDeleted"}, "", "EventDeleted did not arrive in time"),
        ({}, "", "the fact of the owner did not arrive in time"),
        ({"fact": "EventDeleted"}, "answered 503", "answered 503"),
    ],
)
def test_missing_confirmation_shows_the_last_error_of_the_owner(
    details: ReasonDetails, last_error: str, sentence: str
) -> None:
    assert describe_reason(EndReason("not_confirmed", details), last_error) == sentence
