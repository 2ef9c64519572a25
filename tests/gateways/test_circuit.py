"""The circuit: when an owner is left alone, for how long, and who asks whether it is back."""

import pytest
from structlog.testing import capture_logs

from errors import Unavailable
from gateways.circuit_breaker import FAILURES, Circuit
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


def test_failures_in_a_row_open_the_circuit(line: Line) -> None:
    assert [line.fail() for _ in range(FAILURES)] == [1.0] * FAILURES
    away = line.turned_away()
    assert str(away) == "teams is unavailable since 12:03:10 UTC: ConnectError: gone; next attempt in 1 s"
    assert away.retry_after == 1.0


def test_message_gives_time_of_the_first_failure(line: Line) -> None:
    line.fail()
    line.time.forward(50)
    line.fail(FAILURES - 1)
    assert "unavailable since 12:03:10 UTC" in str(line.turned_away())


def test_repeated_failures_of_one_request_count_once(line: Line) -> None:
    """That may be for its own sake; others go well meanwhile."""
    for _ in range(2 * FAILURES):
        with line.circuit.attempt() as attempt:
            line.circuit.failed(attempt, "answered 500", key="poison")
    line.circuit.check()
    for number in range(FAILURES - 1):
        with line.circuit.attempt() as attempt:
            line.circuit.failed(attempt, "answered 500", key=f"other{number}")
    line.turned_away()


def test_failed_request_counts_again_after_a_success(line: Line) -> None:
    for _ in range(FAILURES):
        with line.circuit.attempt() as attempt:
            line.circuit.failed(attempt, "answered 500", key="poison")
        line.succeed()
    line.fail(FAILURES - 1)
    with line.circuit.attempt() as attempt:
        line.circuit.failed(attempt, "answered 500", key="poison")
    line.turned_away()


def test_success_resets_the_count_of_failures(line: Line) -> None:
    line.fail(FAILURES - 1)
    line.succeed()
    line.time.forward(60)
    line.fail(FAILURES - 1)
    line.circuit.check()
    line.fail()
    assert "unavailable since 12:04:10 UTC" in str(line.turned_away())


def test_pause_of_open_circuit_doubles_up_to_its_longest(line: Line) -> None:
    line.fail(FAILURES)
    pauses = []
    for _ in range(7):
        pauses.append(line.turned_away().retry_after)
        line.time.forward(pauses[-1])
        line.fail()
    assert pauses == [1, 2, 4, 8, 15, 15, 15]


def test_remaining_pause_decreases(line: Line) -> None:
    line.fail(FAILURES, retry_after=8)
    line.time.forward(1.5)
    away = line.turned_away()
    assert away.retry_after == 6.5
    assert str(away).endswith("; next attempt in 7 s")


def test_longer_retry_after_extends_the_pause(line: Line) -> None:
    assert line.fail(FAILURES, retry_after=90) == 90
    line.time.forward(89)
    assert line.turned_away().retry_after == 1
    line.time.forward(1)
    assert line.fail(retry_after=1.5) == 2


def test_half_open_circuit_lets_one_request_pass(line: Line) -> None:
    line.fail(FAILURES)
    line.time.forward(1)
    with line.circuit.attempt():
        away = line.turned_away()
        assert away.retry_after == 1.0
        assert str(away).endswith("; an attempt is under way")
        line.circuit.succeeded()
        line.succeed()


def test_success_of_the_probe_closes_the_circuit(line: Line) -> None:
    line.fail(FAILURES)
    line.time.forward(1)
    line.succeed()
    line.fail(FAILURES - 1)
    line.circuit.check()
    assert line.fail() == 1.0, "the pause begins anew"


@pytest.mark.parametrize("error", [BaseException, ValueError])
def test_cancelled_probe_keeps_circuit_half_open(line: Line, error: type[BaseException]) -> None:
    line.fail(FAILURES)
    line.time.forward(1)
    with pytest.raises(error), line.circuit.attempt():
        raise error
    line.succeed()
    line.circuit.check()


def test_failure_of_earlier_request_does_not_extend_the_pause(line: Line) -> None:
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


def test_success_of_earlier_request_closes_the_circuit(line: Line) -> None:
    with line.circuit.attempt():
        line.fail(FAILURES)
        line.circuit.succeeded()
    line.fail(FAILURES - 1)
    line.circuit.check()


def test_probe_that_fails_after_a_success_is_a_first_failure(line: Line) -> None:
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


def test_unavailability_and_recovery_are_logged_once_each(line: Line) -> None:
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
