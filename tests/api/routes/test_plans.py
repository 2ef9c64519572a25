"""`/v1/plans`: the preview, the changes since, and the execution of exactly what was previewed."""

import json
from typing import Any

import pytest

from tests.support.events import event
from tests.support.posting import OTHER, ApiCaller, ApiResponse
from tests.support.recording import FactRecorder

DELETE = {"delete": {"kind": "event", "key": "e"}}
MOVE = {"move": {"relationship": "event_team", "from": "e", "to": "e2"}}
DETACH = {"detach": {"relationship": "event_team", "parent": "e"}}


@pytest.fixture(autouse=True)
async def record_teams(facts: FactRecorder) -> None:
    """Records two events, and seven teams of the first."""
    await facts.record(*(event("EventCreated", key, 1, name=key) for key in ("e", "e2")))
    await join(facts, *(f"t{n}" for n in range(7)))


async def join(facts: FactRecorder, *teams: str) -> None:
    await facts.record(*(event("TeamCreated", team, 1, name=team, event_id="e") for team in teams))


async def leave(facts: FactRecorder, team: str) -> None:
    await facts.record(event("TeamMoved", team, 2, event_id=None))


async def plan(caller: ApiCaller, body: Any, key: str = "operate") -> ApiResponse:
    return await caller.ask("POST", "/v1/plans", json=body, key=key)


async def planned(caller: ApiCaller, body: Any) -> dict[str, Any]:
    response = await plan(caller, body)
    assert response.status == 201, response.content
    return dict(response.content)


async def execute(
    caller: ApiCaller, id: str, body: Any = None, again: str | None = None, key: str = "operate"
) -> ApiResponse:
    headers = {} if again is None else {"idempotency-key": again}
    content = b"" if body is None else json.dumps(body).encode()
    return await caller.ask("POST", f"/v1/plans/{id}/execution", headers=headers, content=content, key=key)


async def test_deletion_plan_lists_the_affected_children(caller: ApiCaller) -> None:
    made = await planned(caller, DELETE)
    (part,) = made["parts"]
    assert (made["kind"], made["entity"]) == ("delete", {"kind": "event", "key": "e"})
    assert part == {
        "relationship": "event_team", "parent_kind": "event", "child_kind": "team", "owner": "teams",
        "command": "DeleteTeam", "policy": "cascade", "children": 7, "sample": [f"t{n}" for n in range(5)],
    }  # fmt: skip
    assert (made["operation"], made["restricted"], made["appeared"], made["vanished"]) == (None, [], [], [])
    assert made["deleted"] == 7
    assert made["token"] == (await caller.get("relationships"))["token"]
    assert (len(made["hash"]), made["actor"]) == (64, "operate")
    assert await caller.get(f"plans/{made['id']}", key="read") == made


async def test_move_and_detach_plans_name_the_parents_and_the_command(caller: ApiCaller) -> None:
    made = await planned(caller, MOVE)
    assert (made["kind"], made["relationship"], made["parent"], made["to"]) == ("move", "event_team", "e", "e2")
    assert [(part["command"], part["children"]) for part in made["parts"]] == [("MoveTeam", 7)]
    made = await planned(caller, DETACH)
    assert (made["kind"], made["parent"], made["to"], made["entity"]) == ("detach", "e", None, None)
    assert made["deleted"] is None
    assert [(part["command"], part["children"]) for part in made["parts"]] == [("WithdrawTeam", 7)]


async def test_children_listed_twice_count_once(caller: ApiCaller) -> None:
    made = await planned(caller, {"detach": {"relationship": "event_team", "children": ["t2", "t1", "t2"]}})
    assert (made["listed_children"], [part["sample"] for part in made["parts"]]) == (2, [["t1", "t2"]])


async def test_plan_hash_changes_with_the_affected_set(caller: ApiCaller, facts: FactRecorder) -> None:
    first = await planned(caller, DETACH)
    await join(facts, "t8")
    assert (await planned(caller, DETACH))["hash"] != first["hash"]
    assert (await caller.get(f"plans/{first['id']}"))["hash"] == first["hash"]


async def test_plan_lists_children_that_appeared_or_vanished_since(caller: ApiCaller, facts: FactRecorder) -> None:
    made = await planned(caller, DELETE)
    await join(facts, "t8", "t9")
    await leave(facts, "t0")
    now = await caller.get(f"plans/{made['id']}")
    assert now["appeared"] == [{"relationship": "event_team", "count": 2, "sample": ["t8", "t9"]}]
    assert now["vanished"] == [{"relationship": "event_team", "count": 1, "sample": ["t0"]}]
    assert (now["parts"], now["hash"]) == (made["parts"], made["hash"])


async def test_executed_move_plan_concerns_exactly_its_children(caller: ApiCaller, facts: FactRecorder) -> None:
    made = await planned(caller, MOVE)
    await join(facts, "t8")
    response = await execute(caller, made["id"])
    operation = response.content
    assert (response.status, operation["kind"], operation["state"]) == (202, "move", "running")
    assert (operation["plan"], operation["parent"], operation["child"]) == (made["id"], "e2", None)
    assert (operation["progress"]["total"], operation["progress"]["requested"]) == (7, 0)
    children = (await caller.get(f"operations/{operation['id']}/children", state="planned"))["items"]
    assert [child["child"] for child in children] == [f"t{n}" for n in range(7)]
    assert (await caller.get(f"plans/{made['id']}"))["operation"] == operation["id"]


async def test_deletion_with_new_children_is_refused_unless_they_are_included(
    caller: ApiCaller, facts: FactRecorder
) -> None:
    made = await planned(caller, DELETE)
    await join(facts, "t8")
    for body in (None, {}, {"appeared": "refuse"}):
        response = await execute(caller, made["id"], body, again="k")
        assert (response.status, response.slug) == (409, "plan-outdated")
        assert "t8" in response.content["detail"]
    assert (await caller.get("operations"))["items"] == []
    response = await execute(caller, made["id"], {"appeared": "include"}, again="k")
    assert (response.status, response.content["kind"], response.content["plan"]) == (202, "delete", made["id"])


async def test_plan_is_outdated_once_its_entity_was_recreated(caller: ApiCaller, facts: FactRecorder) -> None:
    made = {
        name: await planned(caller, body) for name, body in (("delete", DELETE), ("move", MOVE), ("detach", DETACH))
    }
    for key in ("e", "e2"):
        await facts.record(event("EventDeleted", key, 2))
        await facts.record(event("EventCreated", key, 3, name=key))
    for name, key in (("delete", "e"), ("move", "e2")):
        response = await execute(caller, made[name]["id"])
        assert (response.status, response.slug) == (409, "plan-outdated")
        assert f"event '{key}' was deleted and recreated since plan {made[name]['id']}" in response.content["detail"]
    assert (await execute(caller, made["detach"]["id"])).status == 202


async def test_recreated_child_counts_as_vanished_and_as_appeared(caller: ApiCaller, facts: FactRecorder) -> None:
    made = {name: await planned(caller, body) for name, body in (("delete", DELETE), ("detach", DETACH))}
    await facts.record(event("TeamDeleted", "t1", 2))
    await facts.record(event("TeamCreated", "t1", 3, name="another", event_id="e"))
    change = [{"relationship": "event_team", "count": 1, "sample": ["t1"]}]
    for plan in made.values():
        now = await caller.get(f"plans/{plan['id']}")
        assert (now["appeared"], now["vanished"]) == (change, change)
    assert (await execute(caller, made["delete"]["id"])).slug == "plan-outdated"


async def test_repeated_creation_fact_does_not_change_a_plan(caller: ApiCaller, facts: FactRecorder) -> None:
    """The link of an only child is rewritten then, since its rank may have changed; it never left its parent."""
    await facts.record(
        event("GroupCreated", "g", 1, name="g"), event("ChannelCreated", "c", 1, requested_by="g", name="c")
    )
    made = await planned(caller, {"delete": {"kind": "group", "key": "g"}})
    await facts.record(event("ChannelCreated", "c", 2, requested_by="g", name="c"))
    now = await caller.get(f"plans/{made['id']}")
    assert (now["appeared"], now["vanished"]) == ([], [])
    assert (await execute(caller, made["id"])).status == 202


async def test_plan_is_executed_once(caller: ApiCaller) -> None:
    made = await planned(caller, DETACH)
    first = await execute(caller, made["id"], again="k")
    assert (await execute(caller, made["id"], again="k")).content == first.content
    response = await execute(caller, made["id"], again="other")
    assert (response.status, response.slug) == (409, "conflict")
    assert first.content["id"] in response.content["detail"]
    other = await planned(caller, DETACH)
    assert (await execute(caller, other["id"], again="k")).slug == "idempotency-mismatch"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"delete": None},
        {**DELETE, **DETACH},
        {"delete": {"kind": "event"}},
        {"delete": {"kind": "event", "key": "e", "force": True}},
        {"move": {"relationship": "event_team", "to": "e2"}},
        {"move": {"relationship": "event_team", "to": "e2", "children": []}},
        {"move": {"relationship": "event_team", "from": "e", "to": "e"}},
        {"move": {"relationship": "event_team", "from_": "e", "to": "e2"}},
        {"move": {"relationship": "event_team", "from": "e", "to": "e2", "children": ["t1"]}},
        {"detach": {"relationship": "event_team"}},
        {"detach": {"relationship": "event_team", "parent": "e", "children": ["t1"]}},
        {"detach": {"relationship": "event_team", "children": ["t\0"]}},
        {"detach": {"relationship": "event_team", "children": [f"t{n}" for n in range(10_001)]}},
    ],
)
async def test_plan_body_with_no_or_two_selections_is_rejected(caller: ApiCaller, body: Any) -> None:
    response = await plan(caller, body)
    assert (response.status, response.slug) == (422, "bad-request")


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"delete": {"kind": "none", "key": "e"}}, 404, "unknown"),
        ({"delete": {"kind": "event", "key": "none"}}, 404, "unknown"),
        ({"delete": {"kind": "category", "key": "c"}}, 409, "conflict"),
        ({"detach": {"relationship": "none", "parent": "e"}}, 404, "unknown"),
        ({"detach": {"relationship": "event_team", "children": ["t1", "stranger"]}}, 404, "unknown"),
        ({"detach": {"relationship": "category_item", "parent": "c"}}, 409, "conflict"),
        ({"move": {"relationship": "category_item", "from": "c", "to": "d"}}, 409, "conflict"),
    ],
)
async def test_impossible_plan_is_refused_with_its_reason(caller: ApiCaller, body: Any, status: int, slug: str) -> None:
    response = await plan(caller, body)
    assert (response.status, response.slug) == (status, slug)


async def test_plan_is_visible_to_its_tenant_and_needs_an_operate_key(caller: ApiCaller) -> None:
    made = await planned(caller, DETACH)
    assert (await caller.ask("GET", f"/v1/plans/{made['id']}", key=OTHER)).slug == "unknown"
    assert (await execute(caller, made["id"], key=OTHER)).slug == "unknown"
    assert (await execute(caller, made["id"], key="read")).slug == "forbidden"
    assert (await plan(caller, DETACH, key="read")).slug == "forbidden"
    assert (await caller.ask("GET", "/v1/plans/none")).slug == "unknown"


async def test_execution_body_takes_only_the_appeared_option(caller: ApiCaller) -> None:
    made = await planned(caller, DETACH)
    bodies: list[Any] = [{"appeared": "perhaps"}, {"force": True}, []]
    for body in bodies:
        assert (await execute(caller, made["id"], body)).slug == "bad-request"
    document = (await caller.ask("GET", "/openapi.json")).content
    description = document["paths"]["/v1/plans/{id}/execution"]["post"]["description"]
    assert "touches exactly the children that the plan names" in description
