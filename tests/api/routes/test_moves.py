"""Moves over HTTP: only where the relationship declares a command, each once."""

from typing import Any

import pytest

from catalog.catalog import Catalog
from store.db.pool import Pool
from store.operations import moves
from tests.support.events import event
from tests.support.posting import ApiCaller, ApiResponse
from tests.support.recording import TENANT, FactRecorder

MOVES = "/v1/relationships/event_team/moves"


async def move(
    caller: ApiCaller,
    child: str = "t",
    to: str = "e2",
    again: str | None = None,
    path: str = MOVES,
    key: str = "operate",
) -> ApiResponse:
    headers = {} if again is None else {"idempotency-key": again}
    return await caller.ask("POST", path, headers=headers, json={"child": child, "to": to}, key=key)


async def test_a_move_is_an_operation_that_names_child_and_target(caller: ApiCaller) -> None:
    response = await move(caller, "t/1", "e 2")
    operation = response.content
    assert response.status == 202
    assert (operation["kind"], operation["state"], operation["relationship"]) == ("move", "waiting", "event_team")
    assert (operation["child"], operation["parent"], operation["former_parent"]) == ("t/1", "e 2", None)
    assert (operation["entity"], operation["progress"], operation["stuck_since"]) == (None, None, None)
    assert operation["workflow"]["id"] == "main/move/event_team/t%2F1"
    assert operation["actor"] == "operate"
    assert await caller.get(f"operations/{operation['id']}") == operation


async def test_requested_move_names_the_former_parent(
    caller: ApiCaller, facts: FactRecorder, pool: Pool, catalog: Catalog
) -> None:
    await facts.record(*(event("EventCreated", key, 1, name=key) for key in ("e1", "e2")))
    await facts.record(event("TeamCreated", "t", 1, name="t", event_id="e1"))
    begun = (await move(caller)).content
    await moves.advance(pool, TENANT, catalog.relationship("event_team"), "t")
    requested = await caller.get(f"operations/{begun['id']}")
    assert (requested["state"], requested["former_parent"], requested["parent"]) == ("requested", "e1", "e2")


async def test_move_idempotency_key_is_bound_to_one_request(caller: ApiCaller) -> None:
    first, again = await move(caller, again="k"), await move(caller, again="k")
    assert (again.status, again.content) == (202, first.content)
    for response in (await move(caller, to="e3", again="k"), await move(caller, "t2", again="k")):
        assert (response.status, response.slug) == (409, "idempotency-mismatch")


async def test_move_without_declared_command_is_refused_with_a_remedy(caller: ApiCaller) -> None:
    response = await move(caller, path="/v1/relationships/category_item/moves", again="k")
    assert (response.status, response.slug) == (409, "conflict")
    assert "declare move=" in response.content["detail"]


async def test_move_in_unknown_relationship_is_not_found(caller: ApiCaller) -> None:
    assert (await move(caller, path="/v1/relationships/none/moves")).slug == "unknown"


@pytest.mark.parametrize(
    "body",
    [{}, {"child": "t"}, {"child": "", "to": "e"}, {"child": "t", "to": "e\0"}, {"child": "t", "to": "e", "x": 1}],
)
async def test_move_body_requires_child_and_target(caller: ApiCaller, body: Any) -> None:
    response = await caller.ask("POST", MOVES, json=body)
    assert (response.status, response.slug) == (422, "bad-request")


@pytest.mark.parametrize("scope", ["read", "publish:groups"])
async def test_move_requires_an_operate_key(caller: ApiCaller, scope: str) -> None:
    response = await move(caller, key=scope)
    assert (response.status, response.slug) == (403, "forbidden")
    assert (await caller.get("operations"))["items"] == []


async def test_relationship_lists_its_commands_and_policies(caller: ApiCaller) -> None:
    declared = {item["name"]: item for item in (await caller.get("relationships"))["items"]}
    teams = declared["event_team"]
    assert (teams["move"], teams["detach"], teams["on_parent_deleted"]) == ("MoveTeam", "WithdrawTeam", "cascade")
    assert (teams["on_recreated"], declared["category_item"]["on_recreated"]) == ("stop", None)
    items = declared["category_item"]
    assert (items["move"], items["detach"], items["on_parent_deleted"]) == (None, None, "keep")
    assert declared["group_channel"]["via"] == "requested"
