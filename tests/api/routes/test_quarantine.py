"""`/v1/quarantine`: events that could not be recorded, and their causes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI

from config import QuarantineLimits
from store.db.pool import Pool
from store.write.recorder import Recorder
from tests.support.posting import ApiCaller, group


def unknown(n: int, type: str = "GroupPainted.v7") -> dict[str, Any]:
    return group(f"g{n}", id=f"e{n}", type=type)


async def test_causes_are_listed_with_counts_trend_and_samples(caller: ApiCaller) -> None:
    await caller.batch(unknown(1), unknown(2), group("h", id="bad", data={"name": 7}), key="publish:groups")
    answer = await caller.ask("GET", "/v1/quarantine/groups", key="read")
    bad, painted = answer.content["items"]
    assert (bad["type"], bad["code"], bad["field"], bad["events"]) == ("GroupCreated.v1", "field_invalid", "name", 1)
    assert (painted["type"], painted["version"], painted["code"]) == ("GroupPainted.v7", 7, "unknown_type")
    assert (painted["cause"], painted["events"]) == ("no contract declares GroupPainted.v7", 2)
    assert (painted["per_hour"][-1], painted["per_day"][-1]) == (2, 2)
    assert [sample["event_id"] for sample in painted["samples"]] == ["e2", "e1"]


async def test_events_are_filtered_by_all_that_a_cause_names(caller: ApiCaller) -> None:
    await caller.batch(unknown(1), unknown(2, "GroupGone.v1"), key="publish:groups")
    for query, found in (
        ("type=GroupGone.v1", ["e2"]),
        ("code=unknown_type&field=type", ["e2", "e1"]),
        ("type=GroupGone.v1&code=unknown_type&field=type", ["e2"]),
        ("source=/groups&key=publish:groups", ["e2", "e1"]),
        ("key=admin", []),
    ):
        items: list[dict[str, Any]] = []
        page: dict[str, Any] = {"next": ""}
        while page["next"] is not None:
            cursor = f"&cursor={page['next']}" if page["next"] else ""
            page = (await caller.ask("GET", f"/v1/quarantine?{query}{cursor}", key="read")).content
            items += page["items"]
        assert [item["event_id"] for item in items] == found, query


async def test_one_event_is_shown_as_it_was_received(caller: ApiCaller) -> None:
    await caller.batch(unknown(1), key="publish:groups")
    (item,) = (await caller.ask("GET", "/v1/quarantine", key="read")).content["items"]
    shown = await caller.ask("GET", f"/v1/quarantine/{item['id']}", key="read")
    assert shown.content == item
    assert (item["key"], item["code"], item["field"]) == ("publish:groups", "unknown_type", "type")
    assert (await caller.ask("GET", f"/v1/quarantine/{item['id'] + 1}", key="read")).slug == "unknown"


@pytest.fixture
def small(app: FastAPI, pool: Pool) -> Iterator[None]:
    """The quarantine keeps one event of each API key."""
    usual = app.state.dependencies
    recorder = Recorder(pool, usual.catalog, kept=QuarantineLimits(events=1))
    app.state.dependencies = replace(usual, recorder=recorder)
    yield
    app.state.dependencies = usual


@pytest.mark.usefixtures("small")
async def test_sender_learns_that_an_event_is_not_kept(caller: ApiCaller) -> None:
    answer = await caller.batch(unknown(1), unknown(2), group("g"), key="publish:groups")
    assert (answer.status, answer.content["accepted"]) == (202, 1)
    assert [item["index"] for item in answer.content["quarantined"]] == [0]
    (missed,) = answer.content["rejected"]
    assert (missed["index"], "not kept either" in missed["reason"]) == (1, True)
    assert (await caller.event(unknown(3), key="publish:groups")).status == 422
    assert (await caller.event(unknown(4))).status == 202  # another key
