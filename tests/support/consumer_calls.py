"""Calls of the API by a consumer."""

from typing import Any

from facts import tokens
from store.consumers import offsets
from tests.support.events import event
from tests.support.posting import ApiCaller, ApiResponse
from tests.support.recording import TENANT, FactRecorder

PATH = "/v1/consumers/shopping"


async def put(caller: ApiCaller, path: str = PATH, **body: Any) -> ApiResponse:
    return await caller.ask("PUT", path, json=body)


async def acknowledge(caller: ApiCaller, offset: str, generation: int, **more: Any) -> ApiResponse:
    return await caller.ask(
        "POST", f"{PATH}/acknowledgements", json={"offset": offset, "generation": generation}, **more
    )


async def take_over(caller: ApiCaller, **body: Any) -> int:
    response = await caller.ask("POST", f"{PATH}/generations", json=body)
    assert (response.status, response.headers["location"]) == (201, PATH)
    return int(response.content["generation"])


async def record(facts: FactRecorder, n: int) -> str:
    """Records so many revisions; returns the token of the last."""
    revision = 0
    for key in range(n):
        revision = await facts.record(event("CategoryAdded", f"c{key}", 1, name="c"))
    return tokens.token(TENANT, revision)


def after(token: str) -> str:
    """The offset of the position after the revision of a token."""
    return offsets.read(TENANT, token).text
