"""The two tables that decide what an owner's answer means: a test for each row, and that there is a row for each."""

from typing import get_args

import pytest

from errors import Busy, Contradicted, Failed, Gone, Outdated, Refused, TetherError, Unavailable, Unsent
from gateways import answers
from gateways.answers import ATTEMPTS, LONGEST_PAUSE, RequestKind, Step

AWAIT, RETRY, LIMITED, RENEW, REFUSE = Step.AWAIT, Step.RETRY, Step.LIMITED, Step.RENEW, Step.REFUSE
KINDS: tuple[RequestKind, ...] = get_args(RequestKind)

# The statuses, the error, which of them blame the owner as a whole, and what is done next, by kind of request.
ROWS: list[tuple[str, tuple[int, ...], type[TetherError] | None, tuple[int, ...], tuple[Step, ...]]] = [
    #                                                   counterpart, move, deletion, child
    ("accepted", (200, 201, 202, 204, 207, 299), None, (), (AWAIT, AWAIT, AWAIT, AWAIT)),
    ("no such entity", (404, 410), Gone, (), (LIMITED, LIMITED, RETRY, LIMITED)),
    ("precondition", (412,), Outdated, (), (LIMITED, RENEW, LIMITED, RENEW)),
    ("conflict", (409,), Contradicted, (), (LIMITED, LIMITED, LIMITED, LIMITED)),
    ("not now", (408, 425, 429), Unavailable, (429,), (RETRY, RETRY, RETRY, RETRY)),
    ("no service", (502, 503, 504), Unavailable, (502, 503, 504), (RETRY, RETRY, RETRY, RETRY)),
    ("redirect", (300, 301, 302, 303, 304, 307, 308, 399), Refused, (), (REFUSE, REFUSE, REFUSE, REFUSE)),
    ("refused", (400, 401, 402, 403, 405, 413, 422, 451, 499), Refused, (), (REFUSE, REFUSE, REFUSE, REFUSE)),
    ("failed", (500, 501, 505, 599), Failed, (500, 501, 505, 599), (RETRY, RETRY, RETRY, LIMITED)),
    ("no final status", (100, 101, 103, 199), Failed, (100, 101, 103, 199), (RETRY, RETRY, RETRY, LIMITED)),
    ("no status of HTTP", (0, 99, 600, 999), Failed, (0, 99, 600, 999), (RETRY, RETRY, RETRY, LIMITED)),
]


def raised(kind: type[TetherError] | None) -> TetherError | None:
    """An error as the gateway raises it."""
    if kind is None:
        return None
    return Failed("x", answered=True) if kind is Failed else kind("x")


@pytest.mark.parametrize(("statuses", "error", "blamed", "steps"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_answer_means_what_its_row_says(
    statuses: tuple[int, ...], error: type[TetherError] | None, blamed: tuple[int, ...], steps: tuple[Step, ...]
) -> None:
    assert {answers.error_of(status) for status in statuses} == {error}
    assert tuple(status for status in statuses if answers.blames_owner(status)) == blamed
    assert tuple(answers.step(kind, raised(error)) for kind in KINDS) == steps


def test_every_status_and_kind_has_a_row() -> None:
    for status in range(1000):
        error = answers.error_of(status)
        assert error in answers.STEPS
        assert answers.STEPS[error].keys() == set(KINDS)


@pytest.mark.parametrize("error", [Unsent("x"), Busy("x"), Unavailable("x")])
def test_request_that_was_not_answered_is_retried(error: TetherError) -> None:
    assert {answers.step(kind, error) for kind in KINDS} == {RETRY}


def test_request_that_cannot_be_made_is_refused() -> None:
    assert {answers.step(kind, Refused("no field")) for kind in KINDS} == {REFUSE}


def test_contradicted_attempts_end_within_three_minutes() -> None:
    pauses = [answers.pause(n) for n in range(1, ATTEMPTS)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (1.0, LONGEST_PAUSE)
    assert sum(pauses) < 180
