"""Declared replicas and their rows over HTTP."""

import asyncio
import json
from typing import Any

import pytest

from catalog.replica import Replica
from facts import tokens
from store.db import epochs
from store.db.pool import Pool
from tests.api.conftest import Api
from tests.support.events import event
from tests.support.posting import ApiCaller
from tests.support.recording import TENANT, FactRecorder


async def test_replicas_are_listed_with_their_fields(api: Api) -> None:
    declared: dict[str, Any] = {
        "name": "shopping_customer",
        "of": "user",
        "owner": "users",
        "fields": ["name", "email"],
    }
    declared["declaration"] = Replica("other", of="user", fields=("email", "name")).declaration
    listed = await api.get("replicas")
    assert declared in listed["items"]
    assert await api.get("replicas/shopping_customer") == {**declared, "token": listed["token"]}
    assert (await api.ask("replicas/none"))[0] == 404


async def test_row_of_a_replica_has_the_declared_fields_alone(api: Api, facts: FactRecorder) -> None:
    first = await facts.record(event("UserCreated", "a/b", 1, name="Ann", email="a@x", phone="1"))
    second = await facts.record(event("UserChanged", "a/b", 2, email="b@x"))
    row = await api.get("replicas/shopping_customer/a%2Fb")
    assert (row["state"], row["data"]) == ("live", {"name": "Ann", "email": "b@x"})
    assert row["revision"] == row["token"] == tokens.token(TENANT, second)
    earlier = await api.get("replicas/shopping_customer/a%2Fb", as_of=tokens.token(TENANT, first))
    assert (earlier["data"]["email"], earlier["token"]) == ("a@x", tokens.token(TENANT, first))
    assert (row["freshness"], row["latest"], "copy" in row) == ("latest", row["token"], False)
    await facts.record(event("UserDeleted", "a/b", 3))
    assert (await api.get("replicas/shopping_customer/a%2Fb"))["data"] == {}
    assert (await api.ask("replicas/shopping_customer/none"))[0] == 404


ROW = "replicas/shopping_customer/u"
SHOPPING = {"consumer": "shopping"}


@pytest.fixture
async def shopping(caller: ApiCaller, facts: FactRecorder) -> int:
    """A consumer that has acknowledged the first of two revisions of the user u; returns its generation."""
    await facts.record(event("UserCreated", "u", 1, name="Ann", email="a@x", phone="1"))
    await caller.ask("PUT", "/v1/consumers/shopping", json={"offset": tokens.token(TENANT, 1)})
    await facts.record(event("UserChanged", "u", 2, email="b@x"))
    taken = await caller.ask("POST", "/v1/consumers/shopping/generations", json={})
    return int(taken.content["generation"])


async def acknowledge(caller: ApiCaller, revision: int, generation: int) -> None:
    body = {"offset": tokens.token(TENANT, revision), "generation": generation}
    assert (await caller.ask("POST", "/v1/consumers/shopping/acknowledgements", json=body)).status == 200


@pytest.mark.usefixtures("shopping")
async def test_stale_row_is_what_the_copy_holds_and_latest_has_the_rest(caller: ApiCaller) -> None:
    stale = await caller.get(ROW, freshness="stale", **SHOPPING)
    latest = await caller.get(ROW, freshness="latest", **SHOPPING)
    assert [row["data"]["email"] for row in (stale, latest)] == ["a@x", "b@x"]
    assert [row["token"] for row in (stale, latest)] == [tokens.token(TENANT, n) for n in (1, 2)]
    assert stale["latest"] == latest["token"]
    for row in (stale, latest):
        assert row["copy"].pop("lag")["revisions"] == 1
        assert row["copy"] == {
            "consumer": "shopping",
            "token": stale["token"],
            "state": "behind",
            "differs": True,
        }


async def test_change_of_another_field_makes_no_difference_to_the_copy(
    caller: ApiCaller, facts: FactRecorder, shopping: int
) -> None:
    await acknowledge(caller, 2, shopping)
    await facts.record(event("UserChanged", "u", 3, phone="2"))
    row = await caller.get(ROW, **SHOPPING)
    assert (row["copy"]["differs"], row["copy"]["lag"]["revisions"]) == (False, 1)


async def test_copy_has_no_row_of_a_user_that_it_has_not_read_yet(
    caller: ApiCaller, facts: FactRecorder, shopping: int
) -> None:
    await facts.record(event("UserCreated", "new", 1, name="New", email="n@x"))
    stale = await caller.get("replicas/shopping_customer/new", freshness="stale", **SHOPPING)
    assert (stale["state"], stale["data"], stale["revision"], stale["copy"]["differs"]) == ("unknown", {}, None, True)
    await acknowledge(caller, 3, shopping)
    await facts.record(event("UserDeleted", "new", 2))
    stale = await caller.get("replicas/shopping_customer/new", freshness="stale", **SHOPPING)
    assert (stale["state"], stale["data"]["name"], stale["copy"]["differs"]) == ("live", "New", True)


async def test_stale_read_waits_until_the_copy_has_what_was_written(caller: ApiCaller, shopping: int) -> None:
    written = {"at_least": tokens.token(TENANT, 2), "freshness": "stale", **SHOPPING}
    late = await caller.ask("GET", f"/v1/{ROW}", params={**written, "wait": 0})
    assert (late.status, late.content["type"]) == (409, "/problems/not-yet")
    reading = asyncio.create_task(caller.get(ROW, wait=20, **written))
    await acknowledge(caller, 2, shopping)
    assert (await reading)["data"]["email"] == "b@x"


@pytest.mark.usefixtures("shopping")
@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ({"freshness": "stale"}, 400, "name it with `consumer`"),
        ({"freshness": "stale", "consumer": "none"}, 404, "no consumer 'none' is registered"),
        ({"consumer": "none"}, 404, "no consumer 'none' is registered"),
        ({"freshness": "stale", "consumer": "narrow"}, 400, "register it with {'replica': 'shopping_customer'} alone"),
        ({"consumer": "other"}, 400, "the consumer 'other' copies {'kind': 'group'}, and not shopping_customer"),
        ({"freshness": "old"}, 422, "freshness"),
        ({"freshness": "stale", "as_of": tokens.token(TENANT, 1), **SHOPPING}, 400, "leave as_of out"),
    ],
)
async def test_read_of_no_copy_is_refused(caller: ApiCaller, query: dict[str, str], status: int, detail: str) -> None:
    await caller.ask("PUT", "/v1/consumers/other", json={"filter": {"kind": "group"}})
    narrow = {"replica": "shopping_customer", "filters": [{"prefix": {"subject": "u"}}]}
    assert (await caller.ask("PUT", "/v1/consumers/narrow", json={"filter": narrow})).status == 201
    answer = await caller.ask("GET", f"/v1/{ROW}", params=query)
    assert answer.status == status
    assert detail in str(answer.content)


async def test_whether_an_expired_copy_differs_is_not_known(
    caller: ApiCaller, facts: FactRecorder, pool: Pool, shopping: int
) -> None:
    await acknowledge(caller, 2, shopping)
    async with pool.acquire() as conn:
        await epochs.begin_everywhere(conn, "a test")
    await facts.record(event("UserChanged", "u", 3, email="c@x"))
    copy = (await caller.get(ROW, **SHOPPING))["copy"]
    assert (copy["state"], copy["differs"]) == ("expired", None)


async def test_feed_of_a_replica_is_gone_for_a_copy_by_another_declaration(
    caller: ApiCaller, facts: FactRecorder
) -> None:
    await facts.record(event("UserCreated", "u", 1, name="Ann", email="a@x"))
    lines = await caller.http.get(
        "/v1/snapshots?replica=shopping_customer", headers={"authorization": f"Bearer {caller.keys['read']}"}
    )
    started = json.loads(lines.text.splitlines()[0])["data"]
    declared = await caller.get("replicas/shopping_customer")
    assert started["declaration"] == declared["declaration"]
    query = {"replica": "shopping_customer", "offset": started["offset"], "declaration": started["declaration"]}
    assert (await caller.ask("GET", "/v1/feed", params=query)).status == 200
    gone = await caller.ask("GET", "/v1/feed", params={**query, "declaration": "other"})
    assert (gone.status, gone.content["resync"]) == (410, "/v1/snapshots?replica=shopping_customer")
    fewer = Replica("shopping_customer", of="user", fields=("name",))
    assert len({Replica("x", of="user", fields=("name", "email")).declaration, fewer.declaration}) == 2
