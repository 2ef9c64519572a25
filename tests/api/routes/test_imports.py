"""`POST /v1/import`: facts of Tether's own come in by it, with an admin key, and by no other way."""

import orjson

from tests.support.people import PEOPLE
from tests.support.posting import NDJSON, STRUCTURED, ApiCaller, ApiResponse, ndjson

MERGED = {
    "specversion": "1.0",
    "source": "/tether",
    "type": "Merged.v1",
    "id": "m1",
    "subject": "anne",
    "entitykind": "person",
    "data": {"survivor": "anne", "losers": ["ann"], "merge": "m", "reason": "same"},
}


async def take(caller: ApiCaller, key: str = "admin", type: str = NDJSON) -> ApiResponse:
    content = ndjson([*PEOPLE, MERGED])
    return await caller.ask("POST", "/v1/import", key=key, headers={"content-type": type}, content=content)


async def test_own_facts_are_imported_by_an_admin_key_alone(caller: ApiCaller) -> None:
    assert [(await take(caller, key)).status for key in ("read", "operate", "publish:groups")] == [403] * 3
    assert (await caller.lines(MERGED)).content["quarantined"][0]["reason"].startswith("unknown type")
    answer = await take(caller)
    assert (answer.status, answer.content["accepted"]) == (202, len(PEOPLE) + 1)
    again = await take(caller)
    assert (again.content["accepted"], again.content["duplicates"]) == (0, len(PEOPLE) + 1)
    merge = await caller.get("merges/m")
    assert (merge["source"], merge["losers"][0]["state"], merge["reason"]) == ("/tether", "merged", "same")


async def test_import_takes_lines_only_and_names_bad_ones(caller: ApiCaller) -> None:
    assert (await take(caller, type=STRUCTURED)).status == 400
    assert (await take(caller, type="text/plain")).status == 415
    lines = [orjson.dumps(MERGED), b"no json", orjson.dumps({**MERGED, "id": "m2", "data": {}})]
    answer = await caller.ask("POST", "/v1/import", headers={"content-type": NDJSON}, content=b"\n" + b"\n".join(lines))
    said = answer.content
    assert (said["accepted"], [one["index"] for one in said["quarantined"] + said["rejected"]]) == (1, [2, 1])
