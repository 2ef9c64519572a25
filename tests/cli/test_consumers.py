"""`tether consumers …`: what it sends, and what it prints."""

from collections.abc import Callable

import orjson
import pytest

from tests.cli.conftest import Said
from tests.support.fake_tether import FakeTether

Tether = Callable[..., Said]
pytestmark = pytest.mark.usefixtures("server")

CONSUMER = {
    "name": "shopping", "filter": {"kind": "person"}, "offset": "00AB", "token": "00AA", "starts_at": "-1",
    "generation": 7, "holder": "pod-2", "generation_at": "2026-01-01T00:00:00Z", "state": "at-risk",
    "lag": {"revisions": 1234, "seconds": 56.5}, "at_risk_seconds": 60, "note": "the shop", "actor": "ops",
    "created_at": "2026-01-01T00:00:00Z", "acknowledged_at": None,
}  # fmt: skip


def test_list_and_show_print_state_lag_and_holder(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/consumers"] = 200, {"items": [CONSUMER], "next": None}
    fake.answers["GET /v1/consumers/shopping"] = 200, CONSUMER
    for said in (tether("consumers", "list"), tether("consumers", "show", "shopping")):
        assert all(shown in said.out for shown in ("shopping", "at-risk", "1234", "56.5", "pod-2"))
    assert tether("consumers", "show", "shopping", "-o", "json").json == CONSUMER
    fake.answers["GET /v1/consumers"] = 200, {"items": [], "next": None}
    assert tether("consumers", "list").out == "No consumer is registered.\n"


def test_create_sends_what_is_given_and_no_offset_unless_it_is(tether: Tether, fake: FakeTether) -> None:
    fake.answers["PUT /v1/consumers/shopping"] = 201, CONSUMER
    assert tether("consumers", "create", "shopping").code == 0
    filters = ("--kind", "person", "--filters", '[{"exact": {"type": "EntityChanged"}}]', "--changes-only")
    said = tether("consumers", "create", "shopping", *filters, "--offset", "-1", "--at-risk-seconds", "60")
    assert (said.code, "at-risk" in said.out) == (0, True)
    bodies = [orjson.loads(body) for _, _, _, body in fake.requests]
    assert bodies == [
        {"filter": {}, "note": ""},
        {
            "filter": {"kind": "person", "filters": '[{"exact": {"type": "EntityChanged"}}]', "changes": "only"},
            "at_risk_seconds": 60,
            "note": "",
            "offset": "-1",
        },
    ]


def test_delete_says_what_it_deleted_and_fails_for_a_missing_one(tether: Tether, fake: FakeTether) -> None:
    fake.answers["DELETE /v1/consumers/shopping"] = 204, None
    assert tether("consumers", "delete", "shopping") == Said(0, "Deleted: shopping.\n", "")
    fake.answers["DELETE /v1/consumers/shopping"] = 404, {"detail": "no consumer 'shopping' is registered"}
    said = tether("consumers", "delete", "shopping")
    assert (said.code, said.out) == (1, "")
    assert "no consumer 'shopping' is registered" in said.err
