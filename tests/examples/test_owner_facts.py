"""The facts that owners of entities with a name publish: groups, channels, events."""

from datetime import datetime

import httpx2

from examples.owner.service import OwnerService
from examples.owner.testing import RecordingTether

CORRELATION = {
    "Correlation-Id": "opaque %C3%A9, 20%",
    "Causation-Id": "/groups g-1",
    "traceparent": "00-ab-cd-01",
}


async def test_versions_continue_after_deletion_and_recreation(
    client: httpx2.AsyncClient, owner: OwnerService, tether: RecordingTether
) -> None:
    path, kind = owner.source, owner.source.strip("/").removesuffix("s").title()
    await client.post(path, json={"name": "Red", "id": "x"})
    await client.patch(f"{path}/x", json={"name": "Blue"})
    await client.delete(f"{path}/x")
    await client.post(path, json={"name": "Green", "id": "x"})
    facts = await tether.heard(4)
    assert [(fact["type"], fact["subject"], fact["sequence"], fact["data"]) for fact in facts] == [
        (f"{kind}Created.v1", "x", "1", {"name": "Red"}),
        (f"{kind}Renamed.v1", "x", "2", {"name": "Blue"}),
        (f"{kind}Deleted.v1", "x", "3", {}),
        (f"{kind}Created.v1", "x", "4", {"name": "Green"}),
    ]
    assert (await client.get(f"{path}/x")).json() == {"id": "x", "version": 4, "name": "Green"}


async def test_every_fact_is_a_complete_cloudevent(
    client: httpx2.AsyncClient, owner: OwnerService, tether: RecordingTether
) -> None:
    for name in "ab":
        await client.post(owner.source, json={"name": name})
    facts = await tether.heard(2)
    assert len({fact["id"] for fact in facts}) == 2
    for fact in facts:
        assert fact["specversion"] == "1.0"
        assert fact["source"] == owner.source
        assert fact["datacontenttype"] == "application/json"
        assert datetime.fromisoformat(fact["time"]).tzinfo is not None
        assert "correlationid" not in fact


async def test_correlation_headers_are_copied_unread_into_the_fact(
    client: httpx2.AsyncClient, owner: OwnerService, tether: RecordingTether
) -> None:
    await client.post(owner.source, json={"name": "Red"}, headers=CORRELATION)
    [fact] = await tether.heard(1)
    assert (fact["correlationid"], fact["causationid"], fact["traceparent"]) == tuple(CORRELATION.values())
    assert not set(fact["data"].values()) & set(CORRELATION.values())


async def test_rename_to_the_present_name_publishes_no_fact(
    client: httpx2.AsyncClient, owner: OwnerService, tether: RecordingTether
) -> None:
    path = owner.source
    await client.post(path, json={"name": "Red", "id": "x"})
    same = await client.patch(f"{path}/x", json={"name": "Red"}, headers={"Idempotency-Key": "same"})
    await client.post(path, json={"name": "Red", "id": "y"})
    assert (same.status_code, same.json()["version"]) == (200, 1)
    assert [fact["subject"] for fact in await tether.heard(2)] == ["x", "y"]
    [command] = (await client.get("/commands")).json()["items"]
    assert (command["attempts"], command["effects"]) == (1, 0)


async def test_refused_command_publishes_no_fact_and_has_a_reason(
    client: httpx2.AsyncClient, owner: OwnerService, tether: RecordingTether
) -> None:
    path = owner.source
    await client.post(path, json={"name": "Red", "id": "x"})
    await client.delete(f"{path}/x")
    await client.post(path, json={"name": "Red", "id": "y"})
    answers = {
        "twice": (await client.post(path, json={"name": "Red", "id": "y"}), 409, "/problems/exists"),
        "never": (await client.patch(f"{path}/z", json={"name": "Red"}), 404, "/problems/unknown"),
        "gone": (await client.delete(f"{path}/x"), 410, "/problems/deleted"),
        "nameless": (await client.post(path, json={}), 422, "/problems/invalid"),
        "surrogate": (await client.post(path, content=rb'{"name": "\ud800"}'), 422, "/problems/invalid"),
        "slash": (await client.post(path, json={"name": "Red", "id": "a/b"}), 422, "/problems/invalid"),
    }
    for answer, status, problem in answers.values():
        assert (answer.status_code, answer.json()["type"]) == (status, problem)
        assert answer.headers["content-type"] == "application/problem+json"
    await client.post(path, json={"name": "Red", "id": "last"})
    assert [fact["subject"] for fact in await tether.heard(4)] == ["x", "x", "y", "last"]


async def test_pages_contain_each_live_entity_once(client: httpx2.AsyncClient, owner: OwnerService) -> None:
    for key in "dacbe":
        await client.post(owner.source, json={"name": key, "id": key})
    await client.delete(f"{owner.source}/c")
    seen: list[str] = []
    while page := (await client.get(owner.source, params={"after": seen[-1] if seen else "", "limit": 2})).json()[
        "items"
    ]:
        seen += [entity["id"] for entity in page]
    assert seen == ["a", "b", "d", "e"]
