"""Moves over HTTP: operations that a relationship has to allow, each once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from catalog.catalog import Catalog
from store.db.pool import Pool
from store.operations import moves
from tests.support.model_facts import say
from tests.support.posting import Door, Said
from tests.support.recording import TENANT, Teller

MOVES = "/v1/relationships/event_team/moves"


async def move(
    door: Door, child: str = "t", to: str = "e2", again: str | None = None, path: str = MOVES, key: str = "operate"
) -> Said:
    headers = {} if again is None else {"idempotency-key": again}
    return await door.ask("POST", path, headers=headers, json={"child": child, "to": to}, key=key)


async def test_a_move_is_an_operation_that_names_child_and_target(door: Door) -> None:
    said = await move(door, "t/1", "e 2")
    operation = said.content
    assert said.status == 202
    assert (operation["kind"], operation["state"], operation["relationship"]) == ("move", "waiting", "event_team")
    assert (operation["child"], operation["parent"], operation["former_parent"]) == ("t/1", "e 2", None)
    assert (operation["entity"], operation["progress"], operation["stuck_since"]) == (None, None, None)
    assert operation["workflow"]["id"] == "main/move/event_team/t%2F1"
    assert operation["actor"] == "operate"
    assert await door.get(f"operations/{operation['id']}") == operation


async def test_a_move_whose_owner_was_asked_says_where_the_child_was(
    door: Door, teller: Teller, pool: Pool, catalog: Catalog
) -> None:
    await teller.tell(*(say("EventCreated", key, 1, name=key) for key in ("e1", "e2")))
    await teller.tell(say("TeamCreated", "t", 1, name="t", event_id="e1"))
    begun = (await move(door)).content
    await moves.proceed(pool, TENANT, catalog.relationship("event_team"), "t", datetime.now(UTC))
    asked = await door.get(f"operations/{begun['id']}")
    assert (asked["state"], asked["former_parent"], asked["parent"]) == ("requested", "e1", "e2")


async def test_the_same_idempotency_key_answers_with_the_same_move_and_stands_for_no_other(door: Door) -> None:
    first, again = await move(door, again="k"), await move(door, again="k")
    assert (again.status, again.content) == (202, first.content)
    for said in (await move(door, to="e3", again="k"), await move(door, "t2", again="k")):
        assert (said.status, said.slug) == (409, "idempotency-mismatch")


async def test_what_declares_no_command_for_it_moves_nothing_and_says_the_mend(door: Door) -> None:
    said = await move(door, path="/v1/relationships/category_item/moves", again="k")
    assert (said.status, said.slug) == (409, "conflict")
    assert "declare move=" in said.content["detail"]


async def test_an_unknown_relationship_moves_nothing(door: Door) -> None:
    assert (await move(door, path="/v1/relationships/none/moves")).slug == "unknown"


@pytest.mark.parametrize(
    "body",
    [{}, {"child": "t"}, {"child": "", "to": "e"}, {"child": "t", "to": "e\0"}, {"child": "t", "to": "e", "x": 1}],
)
async def test_a_move_says_whom_and_where_to(door: Door, body: Any) -> None:
    said = await door.ask("POST", MOVES, json=body)
    assert (said.status, said.slug) == (422, "bad-request")


@pytest.mark.parametrize("scope", ["read", "publish:groups"])
async def test_moving_takes_a_key_that_may_operate(door: Door, scope: str) -> None:
    said = await move(door, key=scope)
    assert (said.status, said.slug) == (403, "forbidden")
    assert (await door.get("operations"))["items"] == []


async def test_a_relationship_says_what_its_owner_can_be_asked(door: Door) -> None:
    declared = {item["name"]: item for item in (await door.get("relationships"))["items"]}
    teams = declared["event_team"]
    assert (teams["move"], teams["detach"], teams["on_parent_deleted"]) == ("MoveTeam", "WithdrawTeam", "cascade")
    items = declared["category_item"]
    assert (items["move"], items["detach"], items["on_parent_deleted"]) == (None, None, "keep")
    assert declared["group_channel"]["via"] == "requested"
