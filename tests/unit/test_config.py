"""Settings from the environment."""

from datetime import timedelta

import pytest

from config import Retention, Settings


@pytest.mark.parametrize("name", ["TETHER_SIGNAL_INTAKE", "TETHER_SIGNAL_DOOR"])  # former name
def test_signal_intake_is_read_under_its_name_and_its_former_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "closed")
    assert Settings().signal_intake == "closed"


def test_new_name_of_signal_intake_wins_over_former_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_SIGNAL_DOOR", "open")  # former name
    monkeypatch.setenv("TETHER_SIGNAL_INTAKE", "closed")
    assert Settings().signal_intake == "closed"


@pytest.mark.parametrize(
    ("history", "cap", "at_risk"),
    [(None, 30, timedelta(days=1)), (30, 30, timedelta(days=1)), (1, 0, timedelta(hours=12))],
)
def test_consumers_are_at_risk_long_before_the_horizon_passes_them(
    history: int | None, cap: int, at_risk: timedelta
) -> None:
    kept = None if history is None else timedelta(days=history)
    assert Retention(history=kept, cap=timedelta(days=cap)).at_risk == at_risk
