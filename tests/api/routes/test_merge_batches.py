"""Many merges in one request over HTTP: an outcome for each, and no 5xx for any of them."""

from typing import Any

from tests.support.people import PEOPLE, kept_apart
from tests.support.posting import ApiCaller, ApiResponse
from tests.support.recording import FactRecorder

BATCH = "/v1/entities/person/merges/batch"


async def post(caller: ApiCaller, merges: Any, path: str = BATCH, key: str = "operate") -> ApiResponse:
    return await caller.ask("POST", path, json={"merges": merges}, key=key)


def row(survivor: Any, *losers: Any, **more: Any) -> dict[str, Any]:
    return {"survivor": survivor, "losers": list(losers), **more}


async def test_each_row_has_an_outcome_and_a_bad_one_harms_no_other(caller: ApiCaller, facts: FactRecorder) -> None:
    await facts.record(*PEOPLE, kept_apart("ann", "bob"))
    rows = [
        row("anne", "ann", id="r0", reason="same phone"),
        row("anne", "anne"),
        row("anne", "bob", id="r2"),
        "no row",
        row("carl", "carla\x00"),
        row("anne", "ann", id="r5"),
        row("dora", *["d"] * 2),
        row("emil", "emilia"),
        row("fay", "fee", id="no id!"),
        row(7, 8, nonsense=True),
    ]
    for path in (f"{BATCH}/plan", BATCH):
        response = await post(caller, rows, path)
        said = response.content
        assert (response.status, said["merged"], said["already"]) == (200, 2, [5])
        assert {one["index"]: one["because"] for one in said["refused"]} == {
            **dict.fromkeys((1, 3, 4, 6, 8, 9), "malformed"),
            2: "forbidden",
        }
    forbidden = next(one for one in said["refused"] if one["index"] == 2)
    assert sorted(forbidden["path"]) == ["ann", "anne", "bob"]
    assert "allow it first" in forbidden["reason"]
    shown = await caller.get("merges/r0")
    assert (shown["survivor"], shown["reason"], shown["losers"][0]["state"]) == ("anne", "same phone", "merged")
    assert (shown["operation"], shown["token"]) == (said["operation"], said["token"])


async def test_merge_of_a_batch_can_be_undone(caller: ApiCaller, facts: FactRecorder) -> None:
    await facts.record(*PEOPLE)
    await post(caller, [row("anne", "ann", id="r0"), row("carl", "carla", id="r1")])
    assert (await caller.ask("POST", "/v1/merges/r0/undo", json={}, key="operate")).status == 202
    assert (await caller.get("merges/r0"))["losers"][0]["state"] == "undone"
    again = (await post(caller, [row("anne", "ann", id="r0")])).content
    assert (again["merged"], again["already"]) == (0, [0])


async def test_batches_are_for_operators_and_kinds_with_merges(caller: ApiCaller) -> None:
    assert (await post(caller, [row("a", "b")], key="read")).status == 403
    assert (await post(caller, [row("a", "b")], "/v1/entities/ticket/merges/batch")).status == 409
    assert (await post(caller, [row("a", "b")], "/v1/entities/nothing/merges/batch")).status == 404
    assert (await post(caller, [])).status == 422
    assert (await post(caller, [row("a", "b")] * 1_001)).status == 422
