"""`tether erase`: planned, confirmed, waited for."""

from collections.abc import Callable

import pytest

from tests.cli.conftest import Said
from tests.support.fake_tether import FakeTether

Tether = Callable[..., Said]
pytestmark = pytest.mark.usefixtures("server")

PATH = "/v1/entities/person/ann/erasure"
ERASURE = {"id": "e1", "kind": "person", "key": "ann", "state": "requested", "rows": {}}


def test_plan_shows_what_would_be_erased_and_erases_nothing(tether: Tether, fake: FakeTether) -> None:
    fake.answers[f"GET {PATH}"] = 200, {"kind": "person", "key": "ann", "rows": {"facts": 3}, "merged_with": []}
    assert "facts" in tether("erase", "person", "ann", "--plan").out
    assert [method for method, *_ in fake.requests] == ["GET"]


def test_without_a_terminal_erasing_requires_yes(tether: Tether, fake: FakeTether) -> None:
    said = tether("erase", "person", "ann")
    assert said.code != 0
    assert "--yes" in said.err
    assert fake.requests == []


def test_waits_until_no_read_finds_the_data_any_more(tether: Tether, fake: FakeTether) -> None:
    fake.answers[f"POST {PATH}"] = 202, ERASURE
    fake.sequences["GET /v1/erasures/e1"] = [(200, ERASURE), (200, {**ERASURE, "state": "erased"})]
    assert tether("erase", "person", "ann", "--yes", "--wait", "-o", "json").json["state"] == "erased"
