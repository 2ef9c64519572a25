"""Erasures over HTTP: planned, requested, certified; and what reads find afterwards."""

from typing import Any

import pytest

from catalog.catalog import Catalog
from facts import tokens
from store.db.pool import Pool
from store.erasure import entity, traces, vacuum
from tests.support import canaries
from tests.support.events import event
from tests.support.posting import ApiCaller, ApiResponse
from tests.support.recording import TENANT, FactRecorder

CANARY = "canary-7f3a"
PATH = "/v1/entities/person/ann/erasure"


@pytest.fixture
async def history(facts: FactRecorder) -> None:
    """Two profiles of one person, with activity."""
    await facts.record(
        event("PersonCreated", "ann", 1, name=CANARY, email=CANARY, company_id="acme"),
        event("PersonCreated", "anne", 1, name="Anne"),
        event("CompanyAdded", "acme", name="Acme"),
    )
    await facts.record(event("PersonChanged", "ann", 2, name=f"{CANARY} 2"))
    await facts.record(event("ActivityRecorded", "x", person_id="ann", what=CANARY))
    await facts.record(event("PersonMerged", "anne", 3, survivor="anne", losers=["ann"]))


async def request(caller: ApiCaller, path: str = PATH, **more: Any) -> ApiResponse:
    return await caller.ask("POST", path, **more)


async def run(pool: Pool, catalog: Catalog, id: str) -> None:
    """Carries an erasure out, without its owner."""
    row = await entity.erase(pool, catalog, TENANT, id)
    assert [rows async for rows in traces.erase(pool, catalog, row)]
    assert [table async for table in vacuum.vacuum(pool, row)]


@pytest.mark.usefixtures("history")
async def test_plan_counts_what_an_erasure_would_empty(caller: ApiCaller) -> None:
    plan = await caller.get("entities/person/ann/erasure")
    assert plan["rows"] == {"entities": 2, "facts": 2, "facts of activity": 1}
    assert (plan["merged_with"], plan["owner"], plan["command"]) == (["anne"], "people", "ErasePerson")
    assert plan["outside"]


@pytest.mark.usefixtures("history")
async def test_no_read_finds_the_data_of_an_erased_entity(caller: ApiCaller, pool: Pool, catalog: Catalog) -> None:
    before = {path: await shown(caller, path) for path in ("feed", "entities/person/ann", "entities/person/ann/facts")}
    assert all(CANARY in text for path, text in before.items() if path != "entities/person/ann")
    requested = await request(caller, json={"reason": "on request"})
    assert (requested.status, requested.content["state"]) == (202, "requested")
    await run(pool, catalog, requested.content["id"])
    certificate = await caller.get(requested.headers["location"].removeprefix("/v1/"))
    assert (certificate["state"], certificate["reason"]) == ("erased", "on request")
    assert certificate["rows"] == {"entities": 2, "facts": 2, "facts of activity": 1, "facts of merges": 1}
    assert certificate["owner"] | {"at": None} == {
        "name": "people",
        "command": "ErasePerson",
        "state": "pending",
        "error": "",
        "at": None,
    }
    for path in (*before, "entities/person/ann/activity", "entities/person/anne"):
        assert CANARY not in await shown(caller, path)
    for revision in range(1, tokens.revision(TENANT, certificate["token"]) + 1):
        as_of = tokens.token(TENANT, revision)
        for path in ("entities/person/ann", "entities/person/anne", "entities/person/ann/activity"):
            assert CANARY not in await shown(caller, path, as_of=as_of)
    assert await canaries.find(pool, CANARY) == []


async def shown(caller: ApiCaller, path: str, **query: str) -> str:
    """What a read answers, as text."""
    answer = await caller.http.get(
        f"/v1/{path}", params=query, headers={"authorization": f"Bearer {caller.keys['admin']}"}
    )
    assert answer.status_code in (200, 404), answer.text
    return answer.text


@pytest.mark.usefixtures("history")
async def test_feed_shows_the_erasure_and_the_entity_without_its_fields(
    caller: ApiCaller, pool: Pool, catalog: Catalog
) -> None:
    await run(pool, catalog, (await request(caller)).content["id"])
    items = await caller.get("feed")
    last = [(item["type"], item["subject"]) for item in items][-2:]
    assert last == [("EntityChanged", "ann"), ("EntityErased", "ann")]
    assert items[-2]["data"]["data"] == {"company_id": "acme"}
    of_kind = await caller.get("feed", kind="person")
    assert [(item["type"], item["subject"], item["kind"]) for item in of_kind][-2:] == [
        (type, key, "person") for type, key in last
    ]
    assert "EntityErased" not in {item["type"] for item in await caller.get("feed", kind="company")}


@pytest.mark.usefixtures("history")
async def test_a_snapshot_has_the_entity_without_its_fields(caller: ApiCaller, pool: Pool, catalog: Catalog) -> None:
    assert CANARY in await shown(caller, "snapshots", kind="person")
    await run(pool, catalog, (await request(caller)).content["id"])
    assert CANARY not in await shown(caller, "snapshots", kind="person")


@pytest.mark.usefixtures("history")
async def test_certificate_names_consumers_that_have_not_followed_yet(
    caller: ApiCaller, pool: Pool, catalog: Catalog
) -> None:
    await caller.ask("PUT", "/v1/consumers/shop", json={"filter": {"kind": "person"}})
    id = (await request(caller)).content["id"]
    await run(pool, catalog, id)
    behind = (await caller.get(f"erasures/{id}"))["consumers"]
    assert behind == [{"name": "shop", "replica": None}]
    offset = (await caller.ask("GET", "/v1/feed")).headers["stream-next-offset"]
    generation = (await caller.get("consumers/shop"))["generation"]
    acknowledgement = {"offset": offset, "generation": generation}
    answer = await caller.ask("POST", "/v1/consumers/shop/acknowledgements", json=acknowledgement)
    assert answer.status == 200
    assert (await caller.get(f"erasures/{id}"))["consumers"] == []


@pytest.mark.usefixtures("history")
async def test_the_same_idempotency_key_stands_for_the_same_erasure(caller: ApiCaller) -> None:
    headers = {"idempotency-key": "k"}
    first, again = [await request(caller, headers=headers) for _ in range(2)]
    assert first.content["id"] == again.content["id"]
    other = await request(caller, headers=headers, json={"reason": "another"})
    assert (other.status, other.slug) == (409, "idempotency-mismatch")


@pytest.mark.parametrize(
    ("path", "key", "status", "words"),
    [
        ("/v1/entities/person/noone/erasure", "admin", 404, "nothing is known of person 'noone'"),
        ("/v1/entities/dragon/d/erasure", "admin", 404, "dragon"),
        (PATH, "operate", 403, "admin"),
        (PATH, "read", 403, "admin"),
    ],
)
async def test_refusals_say_what_is_wrong(path: str, key: str, status: int, words: str, caller: ApiCaller) -> None:
    answer = await request(caller, path, key=key)
    assert answer.status == status
    assert words in answer.content["detail"]


async def test_unknown_erasure_is_not_found(caller: ApiCaller) -> None:
    answer = await caller.ask("GET", "/v1/erasures/e")
    assert (answer.status, answer.slug) == (404, "unknown")
