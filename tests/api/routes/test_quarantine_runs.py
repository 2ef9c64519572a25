"""`/v1/quarantine/plans`, `…/redrives` and `…/discards`."""

from typing import Any

from store.db.pool import Pool
from tests.support.events import event
from tests.support.posting import ApiCaller
from tests.support.quarantined import keep
from tests.support.redriving import unknown

BAD = event("GroupCreated", "bad", 1, name=7)


async def quarantine(pool: Pool, tenant: str, number: int = 3) -> None:
    groups = [event("GroupCreated", f"g{n}", 1, name="g") for n in range(number)]
    await keep(pool, tenant, *map(unknown, [*groups, BAD]), publisher="groups")


async def plan(caller: ApiCaller, action: str = "redrive", **wanted: Any) -> dict[str, Any]:
    answer = await caller.ask("POST", "/v1/quarantine/plans", json={"action": action, **wanted}, key="operate")
    assert answer.status == 200, answer.content
    found: dict[str, Any] = answer.content
    return found


async def test_plan_says_how_many_events_would_be_accepted_and_why_not(caller: ApiCaller, pool: Pool) -> None:
    await quarantine(pool, caller.tenant)
    found = await plan(caller, type="GroupCreated.v1")
    assert found["events"] == 4
    expected = "3 of 4 would be accepted; 1: field `name` has a value that the contract excludes"
    assert found["trial"]["summary"] == expected
    assert (await plan(caller, sample=2))["trial"]["tried"] == 2
    assert (await plan(caller, code="conflict"))["events"] == 0
    assert (await plan(caller, key="another"))["events"] == 0
    assert (await plan(caller, source="/groups", action="discard"))["trial"] is None


async def test_redrive_is_started_once_and_shown(caller: ApiCaller, pool: Pool) -> None:
    await quarantine(pool, caller.tenant)
    body = {"plan": (await plan(caller))["plan"]}
    headers = {"idempotency-key": "once"}
    started = await caller.ask("POST", "/v1/quarantine/redrives", json=body, headers=headers, key="operate")
    again = await caller.ask("POST", "/v1/quarantine/redrives", json=body, headers=headers, key="operate")
    assert (started.status, started.content["state"], started.content["total"]) == (202, "running", 4)
    assert again.content["id"] == started.content["id"]
    at = started.headers["location"]
    assert (await caller.ask("GET", at, key="read")).content == started.content
    assert (await caller.get("quarantine/redrives"))["items"] == [started.content]
    assert (await caller.get("quarantine/discards"))["items"] == []
    assert (await caller.ask("GET", at.replace("redrives", "discards"))).slug == "unknown"
    assert (await caller.ask("GET", f"{at}/events", key="read")).content == {"items": [], "next": None}
    other = {"plan": (await plan(caller, type="GroupCreated.v1"))["plan"]}
    reused = await caller.ask("POST", "/v1/quarantine/redrives", json=other, headers=headers, key="operate")
    assert reused.slug == "idempotency-mismatch"


async def test_cancelled_redrive_stays_so(caller: ApiCaller, pool: Pool) -> None:
    await quarantine(pool, caller.tenant)
    body = {"plan": (await plan(caller))["plan"]}
    at = (await caller.ask("POST", "/v1/quarantine/redrives", json=body)).headers["location"]
    for _ in range(2):
        assert (await caller.ask("POST", f"{at}/cancellation", key="operate")).content["state"] == "cancelled"
    await pool.execute("update quarantine_runs set state = 'done'")
    assert (await caller.ask("POST", f"{at}/cancellation", key="operate")).status == 409


async def test_plans_are_for_their_tenant_and_action_and_operators(caller: ApiCaller, pool: Pool) -> None:
    await quarantine(pool, caller.tenant)
    body = {"plan": (await plan(caller))["plan"]}
    assert (await caller.ask("POST", "/v1/quarantine/discards", json=body)).status == 409
    assert (await caller.ask("POST", "/v1/quarantine/redrives", json=body, key="other")).slug == "bad-token"
    assert (await caller.ask("POST", "/v1/quarantine/redrives", json=body, key="read")).slug == "forbidden"
    assert (await caller.ask("POST", "/v1/quarantine/plans", json={"action": "redrive"}, key="read")).status == 403
    missing = await caller.ask("POST", "/v1/quarantine/plans", json={"action": "discard", "event": 99999})
    assert missing.slug == "unknown"
