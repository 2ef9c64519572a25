"""The circuit breaker of an owner: when it opens, for how long, and which request probes the owner."""

import pytest
from structlog.testing import capture_logs

from errors import Unavailable
from gateways.circuit_breaker import FAILURES, Circuit
from tests.support.gateways import HandClock


class ManualCircuit:
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

    def refusal(self) -> Unavailable:
        with pytest.raises(Unavailable) as away, self.circuit.attempt():
            pass
        return away.value


@pytest.fixture
def breaker() -> ManualCircuit:
    return ManualCircuit()


def test_failures_in_a_row_open_the_circuit(breaker: ManualCircuit) -> None:
    assert [breaker.fail() for _ in range(FAILURES)] == [1.0] * FAILURES
    away = breaker.refusal()
    assert str(away) == "teams is unavailable since 12:03:10 UTC: ConnectError: gone; next attempt in 1 s"
    assert away.retry_after == 1.0


def test_message_gives_time_of_the_first_failure(breaker: ManualCircuit) -> None:
    breaker.fail()
    breaker.time.forward(50)
    breaker.fail(FAILURES - 1)
    assert "unavailable since 12:03:10 UTC" in str(breaker.refusal())


def test_repeated_failures_of_one_request_count_once(breaker: ManualCircuit) -> None:
    """The request itself may be at fault, while others succeed."""
    for _ in range(2 * FAILURES):
        with breaker.circuit.attempt() as attempt:
            breaker.circuit.failed(attempt, "answered 500", key="poison")
    breaker.circuit.check()
    for number in range(FAILURES - 1):
        with breaker.circuit.attempt() as attempt:
            breaker.circuit.failed(attempt, "answered 500", key=f"other{number}")
    breaker.refusal()


def test_failed_request_counts_again_after_a_success(breaker: ManualCircuit) -> None:
    for _ in range(FAILURES):
        with breaker.circuit.attempt() as attempt:
            breaker.circuit.failed(attempt, "answered 500", key="poison")
        breaker.succeed()
    breaker.fail(FAILURES - 1)
    with breaker.circuit.attempt() as attempt:
        breaker.circuit.failed(attempt, "answered 500", key="poison")
    breaker.refusal()


def test_success_resets_the_count_of_failures(breaker: ManualCircuit) -> None:
    breaker.fail(FAILURES - 1)
    breaker.succeed()
    breaker.time.forward(60)
    breaker.fail(FAILURES - 1)
    breaker.circuit.check()
    breaker.fail()
    assert "unavailable since 12:04:10 UTC" in str(breaker.refusal())


def test_pause_of_open_circuit_doubles_up_to_its_longest(breaker: ManualCircuit) -> None:
    breaker.fail(FAILURES)
    pauses = []
    for _ in range(7):
        pauses.append(breaker.refusal().retry_after)
        breaker.time.forward(pauses[-1])
        breaker.fail()
    assert pauses == [1, 2, 4, 8, 15, 15, 15]


def test_remaining_pause_decreases(breaker: ManualCircuit) -> None:
    breaker.fail(FAILURES, retry_after=8)
    breaker.time.forward(1.5)
    away = breaker.refusal()
    assert away.retry_after == 6.5
    assert str(away).endswith("; next attempt in 7 s")


def test_longer_retry_after_extends_the_pause(breaker: ManualCircuit) -> None:
    assert breaker.fail(FAILURES, retry_after=90) == 90
    breaker.time.forward(89)
    assert breaker.refusal().retry_after == 1
    breaker.time.forward(1)
    assert breaker.fail(retry_after=1.5) == 2


def test_half_open_circuit_lets_one_request_pass(breaker: ManualCircuit) -> None:
    breaker.fail(FAILURES)
    breaker.time.forward(1)
    with breaker.circuit.attempt():
        away = breaker.refusal()
        assert away.retry_after == 1.0
        assert str(away).endswith("; an attempt is under way")
        breaker.circuit.succeeded()
        breaker.succeed()


def test_success_of_the_probe_closes_the_circuit(breaker: ManualCircuit) -> None:
    breaker.fail(FAILURES)
    breaker.time.forward(1)
    breaker.succeed()
    breaker.fail(FAILURES - 1)
    breaker.circuit.check()
    assert breaker.fail() == 1.0, "the pauses begin again with the shortest"


@pytest.mark.parametrize("error", [BaseException, ValueError])
def test_cancelled_probe_keeps_circuit_half_open(breaker: ManualCircuit, error: type[BaseException]) -> None:
    breaker.fail(FAILURES)
    breaker.time.forward(1)
    with pytest.raises(error), breaker.circuit.attempt():
        raise error
    breaker.succeed()
    breaker.circuit.check()


def test_failure_of_earlier_request_does_not_extend_the_pause(breaker: ManualCircuit) -> None:
    with breaker.circuit.attempt() as early:
        breaker.fail(FAILURES)
        assert breaker.circuit.failed(early, "late", 500) == 500
        assert breaker.refusal().retry_after == 1.0
        breaker.time.forward(1)
        with breaker.circuit.attempt() as probe:
            breaker.circuit.failed(early, "later")
            breaker.circuit.failed(probe, "still away")
        away = breaker.refusal()
    assert away.retry_after == 2.0
    assert "still away" in str(away)


def test_success_of_earlier_request_closes_the_circuit(breaker: ManualCircuit) -> None:
    with breaker.circuit.attempt():
        breaker.fail(FAILURES)
        breaker.circuit.succeeded()
    breaker.fail(FAILURES - 1)
    breaker.circuit.check()


def test_probe_that_fails_after_a_success_is_a_first_failure(breaker: ManualCircuit) -> None:
    with breaker.circuit.attempt():
        breaker.fail(FAILURES)
        breaker.time.forward(1)
        with breaker.circuit.attempt() as probe:
            breaker.circuit.succeeded()
            breaker.circuit.failed(probe, "gone again")
        breaker.circuit.check()
    breaker.fail(FAILURES - 2)
    breaker.circuit.check()
    breaker.fail()
    breaker.refusal()


def test_unavailability_and_recovery_are_logged_once_each(breaker: ManualCircuit) -> None:
    with capture_logs() as logs:
        breaker.fail(FAILURES)
        for pause in (1, 2, 4):
            breaker.time.forward(pause)
            breaker.fail()
        breaker.refusal()
        breaker.time.forward(8)
        breaker.succeed()
        breaker.succeed()
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
