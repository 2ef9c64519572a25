"""The circuit: when an owner is left alone, for how long, and who asks whether it is back."""

import pytest
from structlog.testing import capture_logs

from errors import Unavailable
from gateways.circuit import FAILURES, Circuit
from tests.support.gateways import HandClock


class Line:
    """A circuit whose clock is set by hand."""

    def __init__(self) -> None:
        self.time = HandClock()
        self.circuit = Circuit("teams", self.time.clock)

    def fail(self, times: int = 1, *, retry_after: float = 0.0) -> float:
        seconds = 0.0
        for _ in range(times):
            with self.circuit.attempt() as attempt:
                seconds = self.circuit.failed(attempt, "ConnectError: gone", retry_after)
        return seconds

    def succeed(self) -> None:
        with self.circuit.attempt():
            self.circuit.succeeded()

    def turned_away(self) -> Unavailable:
        with pytest.raises(Unavailable) as away, self.circuit.attempt():
            pass
        return away.value


@pytest.fixture
def line() -> Line:
    return Line()


def test_failures_in_a_row_open_it(line: Line) -> None:
    assert [line.fail() for _ in range(FAILURES)] == [1.0] * FAILURES
    away = line.turned_away()
    assert str(away) == "teams is unavailable since 12:03:10 UTC: ConnectError: gone; next attempt in 1 s"
    assert away.retry_after == 1.0


def test_it_says_since_when_the_owner_is_away_and_not_since_when_it_is_open(line: Line) -> None:
    line.fail()
    line.time.forward(50)
    line.fail(FAILURES - 1)
    assert "unavailable since 12:03:10 UTC" in str(line.turned_away())


def test_a_request_that_fails_again_and_again_counts_once(line: Line) -> None:
    """That may be for its own sake; others go well meanwhile."""
    for _ in range(2 * FAILURES):
        with line.circuit.attempt() as attempt:
            line.circuit.failed(attempt, "answered 500", key="poison")
    line.circuit.check()
    for number in range(FAILURES - 1):
        with line.circuit.attempt() as attempt:
            line.circuit.failed(attempt, "answered 500", key=f"other{number}")
    line.turned_away()


def test_after_an_answer_a_request_counts_anew(line: Line) -> None:
    for _ in range(FAILURES):
        with line.circuit.attempt() as attempt:
            line.circuit.failed(attempt, "answered 500", key="poison")
        line.succeed()
    line.fail(FAILURES - 1)
    with line.circuit.attempt() as attempt:
        line.circuit.failed(attempt, "answered 500", key="poison")
    line.turned_away()


def test_an_answer_in_between_begins_the_count_anew(line: Line) -> None:
    line.fail(FAILURES - 1)
    line.succeed()
    line.time.forward(60)
    line.fail(FAILURES - 1)
    line.circuit.check()
    line.fail()
    assert "unavailable since 12:04:10 UTC" in str(line.turned_away())


def test_the_pause_doubles_up_to_its_longest(line: Line) -> None:
    line.fail(FAILURES)
    pauses = []
    for _ in range(7):
        pauses.append(line.turned_away().retry_after)
        line.time.forward(pauses[-1])
        line.fail()
    assert pauses == [1, 2, 4, 8, 15, 15, 15]


def test_what_is_left_of_the_pause_becomes_less(line: Line) -> None:
    line.fail(FAILURES, retry_after=8)
    line.time.forward(1.5)
    away = line.turned_away()
    assert away.retry_after == 6.5
    assert str(away).endswith("; next attempt in 7 s")


def test_an_owners_own_pause_counts_where_it_is_longer(line: Line) -> None:
    assert line.fail(FAILURES, retry_after=90) == 90
    line.time.forward(89)
    assert line.turned_away().retry_after == 1
    line.time.forward(1)
    assert line.fail(retry_after=1.5) == 2


def test_one_asks_whether_it_is_back_and_the_others_are_turned_away(line: Line) -> None:
    line.fail(FAILURES)
    line.time.forward(1)
    with line.circuit.attempt():
        away = line.turned_away()
        assert away.retry_after == 1.0
        assert str(away).endswith("; an attempt is under way")
        line.circuit.succeeded()
        line.succeed()


def test_an_answer_to_the_one_closes_it(line: Line) -> None:
    line.fail(FAILURES)
    line.time.forward(1)
    line.succeed()
    line.fail(FAILURES - 1)
    line.circuit.check()
    assert line.fail() == 1.0, "the pause begins anew"


@pytest.mark.parametrize("error", [BaseException, ValueError])
def test_the_one_who_leaves_without_a_word_gives_the_turn_back(line: Line, error: type[BaseException]) -> None:
    line.fail(FAILURES)
    line.time.forward(1)
    with pytest.raises(error), line.circuit.attempt():
        raise error
    line.succeed()
    line.circuit.check()


def test_what_was_sent_before_it_opened_does_not_make_the_pause_longer(line: Line) -> None:
    with line.circuit.attempt() as early:
        line.fail(FAILURES)
        assert line.circuit.failed(early, "late", 500) == 500
        assert line.turned_away().retry_after == 1.0
        line.time.forward(1)
        with line.circuit.attempt() as probe:
            line.circuit.failed(early, "later")
            line.circuit.failed(probe, "still away")
        away = line.turned_away()
    assert away.retry_after == 2.0
    assert "still away" in str(away)


def test_an_answer_to_what_was_sent_before_it_opened_closes_it_too(line: Line) -> None:
    with line.circuit.attempt():
        line.fail(FAILURES)
        line.circuit.succeeded()
    line.fail(FAILURES - 1)
    line.circuit.check()


def test_the_one_who_fails_after_another_had_an_answer_is_a_first_failure(line: Line) -> None:
    with line.circuit.attempt():
        line.fail(FAILURES)
        line.time.forward(1)
        with line.circuit.attempt() as probe:
            line.circuit.succeeded()
            line.circuit.failed(probe, "gone again")
        line.circuit.check()
    line.fail(FAILURES - 2)
    line.circuit.check()
    line.fail()
    line.turned_away()


def test_it_is_told_once_that_an_owner_is_away_and_once_that_it_is_back(line: Line) -> None:
    with capture_logs() as logs:
        line.fail(FAILURES)
        for pause in (1, 2, 4):
            line.time.forward(pause)
            line.fail()
        line.turned_away()
        line.time.forward(8)
        line.succeed()
        line.succeed()
    since = "2026-03-01T12:03:10+00:00"
    assert logs == [
        {
            "log_level": "warning",
            "event": "owner is unavailable",
            "owner": "teams",
            "reason": "ConnectError: gone",
            "next_attempt_in": 1.0,
        },
        {"log_level": "info", "event": "owner is available again", "owner": "teams", "unavailable_since": since},
    ]
