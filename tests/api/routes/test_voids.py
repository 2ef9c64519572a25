"""One fact about an entity is taken back over HTTP; the answer to a fact says if it is older than what is known."""

import pytest

from tests.api.conftest import Api
from tests.support.posting import ApiCaller, group

FAR = {"source": "/groups", "id": "far"}
VOIDS = "/v1/entities/group/g/voids"


async def test_answer_counts_stale_facts_and_warns_by_index(caller: ApiCaller) -> None:
    await caller.event(group("g", id="far", sequence="9000000000"))
    late = group("g", id="late", type="GroupRenamed.v1", sequence="2")
    without = group("g", id="none", type="GroupRenamed.v1", sequence=None)
    response = await caller.batch(group("h"), late, without)
    assert (response.status, response.content["accepted"], response.content["stale"]) == (202, 3, 2)
    (warning,) = response.content["warnings"]
    assert warning["index"] == 2
    assert "has no sequence" in warning["reason"]
    metrics = (await caller.http.get("/metrics")).text
    assert "tether_facts_stale_total 2.0" in metrics


async def test_fact_with_a_sequence_by_mistake_can_be_taken_back(caller: ApiCaller, api: Api) -> None:
    await caller.event(group("g", id="first", sequence="1", data={"name": "one"}))
    await caller.event(group("g", type="GroupRenamed.v1", sequence="9000000000", data={"name": "far"}, id="far"))
    await caller.event(group("g", type="GroupRenamed.v1", sequence="2", data={"name": "two"}, id="second"))
    assert (await api.get("entities/group/g"))["data"] == {"name": "far"}
    response = await caller.ask("POST", VOIDS, key="operate", json={**FAR, "reason": "a test"})
    assert response.status == 202
    found = await api.get("entities/group/g", at_least=response.content["token"])
    assert (found["data"], found["sequence"]) == ({"name": "two"}, "2")


async def test_entity_whose_only_fact_is_void_is_gone_and_the_fact_stays_void(caller: ApiCaller, api: Api) -> None:
    await caller.event(group("g", id="far"))
    token = (await caller.ask("POST", VOIDS, key="operate", json={**FAR, "reason": "a test"})).content["token"]
    assert (await api.ask("entities/group/g", at_least=token))[0] == 404
    entity, fact = (await api.get("feed"))[-2:]
    assert (entity["kind"], entity["subject"], entity["state"]) == ("group", "g", "unknown")
    assert (entity["method"], entity["data"]["data"]) == ("DELETE", {})
    assert (entity["token"], fact["token"], fact["type"]) == (token, token, "FactVoided")
    again = await caller.batch(group("h"), group("g", id="far"))
    assert (again.status, again.content["duplicates"]) == (202, 1)
    (warning,) = again.content["warnings"]
    assert warning["index"] == 1
    assert "is void since an operator has taken it back (a test)" in warning["reason"]
    assert (await api.ask("entities/group/g"))[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("group/g", {**FAR, "id": "other", "reason": "x"}, 404),
        ("group/h", {**FAR, "reason": "x"}, 404),
        ("planet/g", {**FAR, "reason": "x"}, 404),
        ("group/g", FAR, 422),
        ("group/g", {**FAR, "reason": ""}, 422),
        ("group/g", {**FAR, "reason": "x", "more": 1}, 422),
    ],
)
async def test_wrong_void_is_refused(caller: ApiCaller, path: str, body: dict[str, object], status: int) -> None:
    await caller.event(group("g", id="far"))
    response = await caller.ask("POST", f"/v1/entities/{path}/voids", key="operate", json=body)
    assert response.status == status


async def test_owner_key_may_not_void(caller: ApiCaller) -> None:
    await caller.event(group("g", id="far"))
    for scope in ("read", "publish:groups"):
        response = await caller.ask("POST", VOIDS, key=scope, json={**FAR, "reason": "x"})
        assert response.status == 403


async def test_time_far_ahead_is_quarantined_by_default(caller: ApiCaller) -> None:
    future = group("g", id="future", sequence=None, time="2099-01-01T00:00:00Z")
    response = await caller.batch(group("h", sequence=None, time="2020-01-01T00:00:00Z"), future)
    assert [item["index"] for item in response.content["quarantined"]] == [1]
    assert "ahead of Tether's clock" in response.content["quarantined"][0]["reason"]
