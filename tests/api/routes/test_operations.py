"""Operations over HTTP: listing, reading, cancelling and redriving them, and listing their children."""

from typing import Any

import pytest

from catalog.registry import OWN_SOURCE
from messages.child_reasons import ParkReason
from messages.operation_reasons import EndReason
from store.db.pool import Pool, transaction
from store.operations import operations, stuck
from store.operations.children import ChildOutcome
from store.operations.operation_row import OperationState
from store.operations.operations import NewOperation
from tests.support.posting import OTHER, ApiCaller
from tests.support.recording import TENANT, store_outcomes

MOVES = "/v1/relationships/event_team/moves"


async def moved(caller: ApiCaller, child: str) -> str:
    """Id of a move that was begun."""
    return str((await caller.ask("POST", MOVES, json={"child": child, "to": "e"})).content["id"])


async def begun(pool: Pool, **changed: Any) -> str:
    """Id of a cascade that was begun by itself."""
    wanted = NewOperation(kind="cascade", workflow="cascade", about="event", key="e", state="running", **changed)
    async with transaction(pool) as conn:
        return (await operations.insert(conn, TENANT, wanted, OWN_SOURCE)).id


async def ended(
    pool: Pool,
    id: str,
    state: OperationState = "done",
    reason: EndReason | None = None,
    last_error: str = "",
    revision: int | None = None,
) -> None:
    row = await operations.find(pool, TENANT, id)
    async with transaction(pool) as conn:
        await operations.end(conn, row, state, reason, last_error=last_error, revision=revision)


async def found(caller: ApiCaller, **query: Any) -> list[str]:
    """Ids of one page."""
    return [item["id"] for item in (await caller.get("operations", **query))["items"]]


async def test_operations_are_listed_newest_first_and_page_by_page(caller: ApiCaller) -> None:
    begun = [await moved(caller, f"t{n}") for n in range(7)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    sizes = []
    while query.get("cursor", "") is not None:
        page = await caller.get("operations", **query)
        sizes.append(len(page["items"]))
        seen += [item["id"] for item in page["items"]]
        query["cursor"] = page["next"]
    assert (seen, sizes) == (begun[::-1], [3, 3, 1])


async def test_operations_are_filtered_by_kind_and_state(caller: ApiCaller, pool: Pool) -> None:
    waiting, done, refused = [await moved(caller, child) for child in ("a", "b", "c")]
    cascade = await begun(pool, cause=done)
    await ended(pool, done)
    await ended(pool, refused, "refused", EndReason("request_refused"), "no")
    assert await found(caller, state="open") == [cascade, waiting]
    assert await found(caller, state="refused") == [refused]
    assert await found(caller, kind="cascade") == [cascade]
    assert await found(caller, kind="move", state="open") == [waiting]
    assert [await found(caller, cause=cause) for cause in (done, waiting)] == [[cascade], []]
    assert await found(caller, key=OTHER) == []


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ({"kind": "nap"}, 422, "bad-request"),
        ({"state": "nap"}, 422, "bad-request"),
        ({"cause": "o\0"}, 422, "bad-request"),
        ({"limit": 1001}, 422, "bad-request"),
        ({"cursor": "nonsense"}, 400, "bad-token"),
    ],
)
async def test_bad_operation_filters_are_refused_with_a_reason(
    caller: ApiCaller, query: Any, status: int, slug: str
) -> None:
    response = await caller.ask("GET", "/v1/operations", params=query)
    assert (response.status, response.slug) == (status, slug)


async def test_cursor_is_refused_with_other_filters(caller: ApiCaller) -> None:
    await moved(caller, "a")
    await moved(caller, "b")
    cursor = (await caller.get("operations", limit=1))["next"]
    response = await caller.ask("GET", "/v1/operations", params={"cursor": cursor, "state": "open"})
    assert response.slug == "bad-token"


async def test_stuck_operation_has_reason_and_start_of_standstill(caller: ApiCaller, pool: Pool) -> None:
    id = await begun(pool)
    await stuck.owner_failed(pool, TENANT, id, "teams does not answer", relationship="event_team")
    shown = await caller.get(f"operations/{id}")
    assert (shown["kind"], shown["actor"], shown["due"]) == ("cascade", OWN_SOURCE, None)
    assert (shown["reason"], shown["stuck_since"] >= shown["created"]) == ("event_team: teams does not answer", True)
    await stuck.owner_recovered(pool, TENANT, id, "event_team")
    assert (await caller.get(f"operations/{id}"))["stuck_since"] is None


async def test_repeated_cancellation_has_no_further_effect(caller: ApiCaller) -> None:
    id = await moved(caller, "t")
    path = f"/v1/operations/{id}/cancellation"
    response = await caller.ask("POST", path, key="operate")
    assert (response.status, response.content["state"]) == (202, "waiting")
    assert response.content["cancellation_requested_at"] >= response.content["created"]
    assert (await caller.ask("POST", path)).content == response.content
    signals = "select count(*) from outbox where fact = 'CancellationRequested'"
    assert (await caller.ask("POST", path, key="read")).slug == "forbidden"
    assert (await caller.ask("POST", path, key=OTHER)).slug == "unknown"
    assert await count(caller, signals) == 1


async def count(caller: ApiCaller, query: str) -> int:
    app: Any = caller.http._transport
    return int(await app.app.state.dependencies.pool.fetchval(query))


async def test_cancelling_an_ended_operation_is_a_conflict(caller: ApiCaller, pool: Pool) -> None:
    id = await moved(caller, "t")
    await ended(pool, id)
    response = await caller.ask("POST", f"/v1/operations/{id}/cancellation")
    assert (response.status, response.slug) == (409, "conflict")
    assert (await caller.ask("POST", "/v1/operations/none/cancellation")).slug == "unknown"


async def test_operation_children_are_listed_by_key_with_their_state(caller: ApiCaller, pool: Pool) -> None:
    id = await begun(pool)
    children = [ChildOutcome(f"t{n}", "e", "requested", b"") for n in range(5)]
    refused = ParkReason("request_refused")
    parked = ChildOutcome("t9", "e", "parked", b"", "teams refused: no", park_reason=refused)
    await store_outcomes(pool, id, "event_team", [*children, parked])
    page = await caller.get(f"operations/{id}/children", limit=4)
    assert [item["child"] for item in page["items"]] == ["t0", "t1", "t2", "t3"]
    rest = await caller.get(f"operations/{id}/children", limit=4, cursor=page["next"])
    assert ([item["child"] for item in rest["items"]], rest["next"]) == (["t4", "t9"], None)
    (one,) = (await caller.get(f"operations/{id}/children", state="parked"))["items"]
    assert one.pop("changed_at")
    assert one == {
        "relationship": "event_team", "child": "t9", "parent": "e", "state": "parked", "reason": "teams refused: no",
    }  # fmt: skip
    progress = (await caller.get(f"operations/{id}"))["progress"]
    assert progress == {
        "total": 6,
        "remaining": 0,
        "found": 6,
        "requested": 5,
        "confirmed": 0,
        "skipped": 0,
        "parked": 1,
    }


async def test_children_of_unknown_operation_or_state_are_refused(caller: ApiCaller, pool: Pool) -> None:
    id = await begun(pool)
    assert (await caller.get(f"operations/{id}/children"))["items"] == []
    for path, slug in (
        ("none/children", "unknown"),
        (f"{id}/children?state=nap", "bad-request"),
        (f"{id}/children?cursor=nonsense", "bad-token"),
    ):
        assert (await caller.ask("GET", f"/v1/operations/{path}")).slug == slug
    assert (await caller.ask("GET", f"/v1/operations/{id}/children", key=OTHER)).slug == "unknown"
    assert (await caller.ask("GET", f"/v1/operations/{id}/children", key="publish:groups")).slug == "forbidden"


async def test_redrive_resets_parked_children(caller: ApiCaller, pool: Pool) -> None:
    id = await begun(pool)
    path = f"/v1/operations/{id}/redrives"
    assert (await caller.ask("POST", path)).slug == "conflict"
    refused = [ChildOutcome("t9", "e", "parked", b"", "no"), ChildOutcome("t1", "e", "requested", b"")]
    await store_outcomes(pool, id, "event_team", refused)
    await ended(pool, id, "incomplete", EndReason("children_parked", {"parked": 1}))
    answer = await caller.ask("POST", path)
    assert (answer.status, answer.content["state"], answer.content["ended"]) == (202, "running", None)
    assert (answer.content["progress"]["parked"], answer.content["progress"]["found"]) == (0, 2)
    children = (await caller.get(f"operations/{id}/children"))["items"]
    assert [(child["child"], child["state"]) for child in children] == [("t1", "requested"), ("t9", "failing")]
    assert await pool.fetchval("select redrives from operation_children where operation = $1 and child = 't9'", id) == 1
    assert await pool.fetchval("select count(*) from outbox where key = 'e' and fact = 'RedriveRequested'") == 1
    assert (await caller.ask("POST", "/v1/operations/none/redrives")).slug == "unknown"


async def test_cancelled_operation_cannot_be_redriven(caller: ApiCaller, pool: Pool) -> None:
    id = await begun(pool)
    await store_outcomes(pool, id, "event_team", [ChildOutcome("t9", "e", "parked", b"", "no")])
    await ended(pool, id, "cancelled")
    assert (await caller.ask("POST", f"/v1/operations/{id}/redrives")).slug == "conflict"
