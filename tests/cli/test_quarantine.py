"""`tether quarantine …`: what it sends, and what it prints."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Said
from tests.support.fake_tether import FakeTether

Tether = Callable[..., Said]
pytestmark = pytest.mark.usefixtures("server")

SUMMARY = "412 of 500 would be accepted; 88: field `email` missing"
PLAN = {"plan": "p1", "action": "redrive", "events": 500, "up_to": 9, "trial": {"summary": SUMMARY}}
RUN: dict[str, Any] = {
    "id": "r1", "action": "redrive", "state": "running", "type": "UserCreated.v2", "code": None, "field": None,
    "source": None, "key": None, "event": None, "up_to": 9, "total": 500, "accepted": 3, "stale": 0, "duplicates": 0,
    "ignored": 0, "refused": 0, "discarded": 0, "actor": "ops", "requested": "2026-01-01T00:00:00Z", "ended": None,
}  # fmt: skip
GROUP = {
    "type": "UserCreated.v2", "version": 2, "code": "unknown_type", "field": "type", "cause": "no contract",
    "events": 412,
    "bytes": 9, "first_seen": "2026-01-01T00:00:00.123456Z", "last_seen": "2026-01-31T12:00:07.123456Z",
    "per_hour": [0] * 22 + [30, 10], "per_day": [0] * 7, "samples": [],
}  # fmt: skip


def test_groups_fit_a_narrow_terminal_and_say_when_they_were_last_seen(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/quarantine/groups"] = 200, {"items": [GROUP], "next": None}
    said = tether("quarantine", "groups", "--type", "UserCreated.v2")
    assert said.out.splitlines()[1].split() == [
        *("412", "40", "2026-01-31T12:00:07", "UserCreated.v2", "unknown_type", "type"),
    ]
    assert max(map(len, said.out.splitlines())) <= 80
    assert "type=UserCreated.v2" in fake.requests[-1][1]


def test_dry_run_says_what_would_become_of_events_and_starts_nothing(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/quarantine/plans"] = 200, PLAN
    said = tether("quarantine", "redrive", "--type", "UserCreated.v2", "--dry-run")
    assert (said.code, SUMMARY in said.out) == (0, True)
    assert [orjson.loads(body) for _, _, _, body in fake.requests] == [
        {"type": "UserCreated.v2", "action": "redrive", "sample": 500}
    ]


def test_redrive_hands_the_plan_back_and_waits_for_the_end(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/quarantine/plans"] = 200, PLAN
    fake.answers["POST /v1/quarantine/redrives"] = 202, RUN
    fake.answers["GET /v1/quarantine/redrives/r1"] = 200, {**RUN, "state": "done", "accepted": 412, "refused": 88}
    said = tether("quarantine", "redrive", "--yes", "--wait", "-o", "json")
    assert (said.code, said.json["state"], said.json["refused"]) == (0, "done", 88)
    assert said.err == f"500 events in quarantine. Tried: {SUMMARY}.\n"
    assert orjson.loads(fake.requests[1][3]) == {"plan": "p1"}


def test_discard_requires_a_choice_and_a_confirmation(tether: Tether, fake: FakeTether) -> None:
    said = tether("quarantine", "discard", "--yes")
    assert (said.code, "say which events, or --all" in said.err) == (2, True)
    said = tether("quarantine", "discard", "--code", "conflict")
    assert (said.code, "--yes" in said.err) == (2, True)
    assert fake.requests == []


def test_progress_outcomes_and_cancellation_name_the_run(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/quarantine/redrives/r1"] = 200, RUN
    fake.answers["POST /v1/quarantine/redrives/r1/cancellation"] = 202, {**RUN, "state": "cancelled"}
    outcome = {"event": 7, "outcome": "refused", "type": "T.v1", "event_id": "e7", "cause": "field `email` missing"}
    fake.answers["GET /v1/quarantine/redrives/r1/events"] = 200, {"items": [outcome], "next": None}
    fake.answers["GET /v1/quarantine/discards"] = 200, {"items": [], "next": None}
    assert "running" in tether("quarantine", "progress", "r1").out
    assert "field `email` missing" in tether("quarantine", "outcomes", "r1").out
    assert "cancelled" in tether("quarantine", "cancel", "r1").out
    assert tether("quarantine", "runs", "--discard").out == "There was none.\n"
