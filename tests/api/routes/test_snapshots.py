"""Snapshots and audits over HTTP."""

import gzip
from typing import Any

import httpx2
import orjson
import pytest

from catalog.catalog import Catalog
from facts import tokens
from store.db.pool import Pool
from store.read import feed_offsets, snapshot_rows, snapshots
from store.read.feed_offsets import BEGINNING
from tests.api.conftest import Api
from tests.support.copies import FollowedCopy
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder
from tether.audits import Bucket, differing_keys, key_hash

ITEMS = 300


@pytest.fixture
async def revision(facts: FactRecorder) -> int:
    """The revision after some items in two categories, of which one is known."""
    await facts.record(event("CategoryAdded", "c0", 1, name="c"))
    items = [event("ItemAdded", f"i/{n}?é", 1, name=f"n{n}", category=f"c{n % 2}") for n in range(ITEMS)]
    return await facts.record(*items)


async def snapshot_of(api: Api, **query: Any) -> httpx2.Response:
    answer = await api.http.get("/v1/snapshots", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return answer


async def test_snapshot_is_lines_from_its_start_to_its_end(api: Api, revision: int) -> None:
    answer = await snapshot_of(api, relationship="category_item")
    assert answer.headers["content-encoding"] == "gzip"
    copy = FollowedCopy()
    copy.take(answer.content)
    assert copy.start["total"] == copy.end["count"] == len(copy.links) == ITEMS
    assert copy.start["token"] == tokens.token(TENANT, revision)
    progress = await api.get(f"snapshots/{copy.start['id']}")
    assert (progress["rows_sent"], progress["total"], progress["actor"]) == (ITEMS, ITEMS, "reader")
    assert progress["relationship"] == "category_item"
    assert progress["ended_at"] is not None
    assert progress["leased"]


async def test_cursor_goes_on_at_the_same_revision(api: Api, facts: FactRecorder, revision: int) -> None:
    whole = (await snapshot_of(api, kind="item")).content.splitlines(keepends=True)
    await facts.record(event("ItemRemoved", "i/0?é", 2), event("ItemAdded", "j", 1, name="j"))
    last = orjson.loads(whole[100])["id"]
    rest = (await snapshot_of(api, cursor=last)).content.splitlines(keepends=True)
    assert [rest[0], *rest[1:]] == [whole[0], *whole[101:]]
    assert (await snapshot_of(api, cursor=last, kind="item")).content == b"".join(rest)
    again = (await snapshot_of(api, cursor=orjson.loads(whole[0])["id"])).content
    assert again == b"".join(whole)


async def test_gzip_is_only_sent_to_clients_that_accept_it(api: Api, revision: int) -> None:
    plain = {"accept-encoding": "gzip;q=0, identity"}
    async with api.http.stream("GET", "/v1/snapshots?kind=item", headers=plain) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert "content-encoding" not in answer.headers
    async with api.http.stream("GET", "/v1/snapshots?kind=item", headers={"accept-encoding": "gzip"}) as answer:
        coded = b"".join([piece async for piece in answer.aiter_raw()])
    assert gzip.decompress(coded).splitlines()[1:-1][0].partition(b"/")[2] == raw.splitlines()[1].partition(b"/")[2]


async def test_snapshot_as_of_a_token_is_of_that_revision(api: Api, facts: FactRecorder, revision: int) -> None:
    await facts.record(event("ItemRemoved", "i/0?é", 2))
    copy = FollowedCopy()
    copy.take((await snapshot_of(api, kind="item", as_of=tokens.token(TENANT, revision))).content)
    assert len(copy.data) == ITEMS


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"kind": "item", "relationship": "category_item"}, 400),
        ({"kind": "planet"}, 404),
        ({"replica": "planet"}, 404),
        ({"kind": "activity"}, 404),
        ({"cursor": "/"}, 400),
        ({"cursor": "1/2"}, 404),
    ],
)
async def test_snapshot_of_nothing_is_refused(api: Api, query: dict[str, str], status: int) -> None:
    found, body = await api.ask("snapshots", **query)
    assert (found, body["status"]) == (status, status)


async def test_snapshot_of_another_tenant_is_unknown(api: Api, pool: Pool, catalog: Catalog) -> None:
    rows = snapshot_rows.rows_of(catalog, kind="item")
    row = await snapshots.begin(pool, "other", rows, 0, "test", 60.0)
    assert (await api.ask(f"snapshots/{row.id}"))[0] == 404
    assert (await api.ask("snapshots", cursor=f"{row.id}/"))[0] == 404


async def test_head_begins_no_snapshot(api: Api, revision: int) -> None:
    answer = await api.http.head("/v1/snapshots", params={"kind": "item"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-ndjson"


@pytest.mark.parametrize("query", [{"relationship": "category_item"}, {"kind": "item"}])
async def test_audit_finds_exactly_the_keys_that_differ(api: Api, revision: int, query: dict[str, str]) -> None:
    copy = FollowedCopy()
    copy.take((await snapshot_of(api, **query)).content)
    rows = {row[0]: row for row in copy.rows}
    damaged = [rows.pop("i/3?é")[0], "i/7?é", "extra"]
    rows["i/7?é"] = ["i/7?é", "c9", "waiting"]
    rows["extra"] = ["extra", {"name": "x"}]
    known: dict[str, Any] = {}

    async def answers(prefixes: list[str], **more: Any) -> Any:
        return await api.get("audits", **query, at=copy.start["token"], prefix=prefixes, **more)

    level = [""]
    while level:  # differing_keys is synchronous: what it may request is read before
        answer = await answers(level)
        found = {b["prefix"]: Bucket(b["count"], int(b["sum"], 16)) for b in answer["buckets"]}
        known |= found
        level = [prefix for prefix, bucket in found.items() if bucket.rows > 16]
    small = [prefix for prefix, bucket in known.items() if bucket.rows <= 16]
    assert small

    def buckets(prefixes: list[str]) -> dict[str, Bucket]:
        return {name: b for name, b in known.items() if name[:-1] in prefixes}

    hashes: dict[str, int] = {}
    for prefix in small:
        hashes |= {row["key"]: int(row["hash"], 16) for row in (await answers([prefix], rows=True))["rows"]}

    def some(prefixes: list[str]) -> dict[str, int]:
        return {key: value for key, value in hashes.items() if key_hash(key).startswith(tuple(prefixes))}

    assert differing_keys(rows.values(), buckets, some) == set(damaged)
    assert differing_keys(copy.rows, buckets, some) == set()


async def test_audit_at_an_offset_is_of_its_last_revision(api: Api, facts: FactRecorder, revision: int) -> None:
    await facts.record(event("ItemRemoved", "i/0?é", 2), event("ItemRemoved", "i/1?é", 2))
    answer = await api.http.get("/v1/feed", params={"kind": "item", "offset": tokens.token(TENANT, revision)})
    first, last = (item["id"] for item in answer.json())
    status, body = await api.ask("audits", kind="item", at=first)
    assert (status, "apply them" in body["detail"]) == (400, True)
    assert await api.get("audits", kind="item", at=last) == await api.get("audits", kind="item")
    old = await api.get("audits", kind="item", at=tokens.token(TENANT, revision))
    assert sum(bucket["count"] for bucket in old["buckets"]) == ITEMS


@pytest.mark.parametrize("prefix", [["g"], ["a", "bc"], ["0" * 64], ["a"] * 2 + [f"{n:02x}" for n in range(101)]])
async def test_audit_of_odd_prefixes_is_refused(api: Api, prefix: list[str]) -> None:
    assert (await api.ask("audits", kind="item", prefix=prefix))[0] == 400


async def test_copy_at_the_beginning_of_the_feed_is_audited_as_empty(api: Api, revision: int) -> None:
    beginning = feed_offsets.encode(TENANT, BEGINNING)
    found = await api.get("audits", kind="item", at=beginning)
    assert found == {"token": tokens.token(TENANT, 0), "buckets": []}


@pytest.mark.parametrize("path", ["snapshots/%00", "replicas/shopping_customer/u?consumer=%00"])
async def test_names_with_a_zero_byte_are_refused(api: Api, path: str) -> None:
    answer = await api.http.get(f"/v1/{path}")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-request")
