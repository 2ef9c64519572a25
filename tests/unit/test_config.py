"""Settings from the environment."""

import pytest

from config import Settings


@pytest.mark.parametrize("name", ["TETHER_SIGNAL_INTAKE", "TETHER_SIGNAL_DOOR"])  # former name
def test_signal_intake_is_read_under_its_name_and_its_former_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "closed")
    assert Settings().signal_intake == "closed"


def test_new_name_of_signal_intake_wins_over_former_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_SIGNAL_DOOR", "open")  # former name
    monkeypatch.setenv("TETHER_SIGNAL_INTAKE", "closed")
    assert Settings().signal_intake == "closed"
