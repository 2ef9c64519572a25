"""Calls of the API that merge, undo and forbid."""

from typing import Any

from tests.support.posting import ApiCaller, ApiResponse

PEOPLE_PATH = "/v1/entities/person/merges"


async def merge(
    caller: ApiCaller, survivor: str, *losers: str, path: str = PEOPLE_PATH, again: str | None = None, **more: Any
) -> ApiResponse:
    headers = {} if again is None else {"idempotency-key": again}
    body = {"survivor": survivor, "losers": list(losers), **more}
    return await caller.ask("POST", path, headers=headers, json=body, key="operate")


async def undo(caller: ApiCaller, id: str, again: str | None = None, **body: Any) -> ApiResponse:
    headers = {} if again is None else {"idempotency-key": again}
    return await caller.ask("POST", f"/v1/merges/{id}/undo", headers=headers, json=body, key="operate")


async def forbid(caller: ApiCaller, one: str, other: str, method: str = "POST") -> ApiResponse:
    body = {"one": one, "other": other, "reason": "twins"}
    return await caller.ask(method, "/v1/entities/person/forbidden-merges", json=body, key="operate")


async def of_key(caller: ApiCaller, path: str, key: str) -> list[dict[str, Any]]:
    """Returns the items of a listing that name a key."""
    response = await caller.ask("GET", f"/v1/{path}", params={"key": key})
    items: list[dict[str, Any]] = response.content["items"]
    return items


async def states(caller: ApiCaller, id: str) -> dict[str, str]:
    """Returns loser → state."""
    return {each["loser"]: each["state"] for each in (await caller.get(f"merges/{id}"))["losers"]}
