"""Many-to-many links over HTTP: listings of both sides, explanations, counts, waits and the feed."""

import json
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from store.db.pool import Pool
from store.migrate import migrate
from tests.api.conftest import Api
from tests.support.events import event
from tests.support.tenants import LIBRARY, StoreTenant
from tether.audits import Bucket, key_hash, row_hash, total


@pytest.fixture
def settings(database_url: str) -> Settings:
    directory = Path(__file__).parents[2] / "support" / "catalogs" / "library"
    return Settings(database_url=database_url, catalog=(directory,))


@pytest.fixture
async def library(pool: Pool) -> StoreTenant:
    await migrate(pool, LIBRARY)
    tenant = StoreTenant(pool, LIBRARY)
    await tenant.record(
        event("TagCoined", "x", 1),
        event("ArticlePublished", "a", 1, tags=["x", "y"]),
        event("ArticlePublished", "b", 1, tags=["x"]),
        event("ShelfBuilt", "s", 1, books=["k", "l"]),
        event("ShelfBuilt", "t", 1, books=["k"]),
        event("BookBought", "k", 1),
    )
    return tenant


def ends(items: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(item["child"], item["parent"], item["state"]) for item in items]


TAGS = [("a", "x", "linked"), ("a", "y", "waiting"), ("b", "x", "linked")]


@pytest.mark.parametrize("limit", [1, 2, 10])
async def test_links_are_listed_from_both_sides(library: StoreTenant, api: Api, limit: int) -> None:
    path = "relationships/article_tag/links"
    assert ends(await api.all(path, limit=limit)) == TAGS
    assert ends(await api.all(path, limit=limit, child="a")) == TAGS[:2]
    assert ends(await api.all(path, limit=limit, parent="x")) == [TAGS[0], TAGS[2]]
    assert ends(await api.all(path, limit=limit, child="a", parent="x")) == TAGS[:1]
    assert ends(await api.all(path, limit=limit, state="waiting")) == TAGS[1:2]
    books = [("k", "s", "linked"), ("k", "t", "linked"), ("l", "s", "waiting")]
    assert ends(await api.all("relationships/shelf_book/links", limit=limit)) == books
    assert ends(await api.all("relationships/shelf_book/links", limit=limit, parent="s")) == [books[0], books[2]]
    await library.record(event("ArticleUntagged", "a", 2, tag="x"))
    assert ends(await api.all(path, limit=limit, parent="x")) == TAGS[2:]
    revisions = (await api.get(path))["token"]
    assert revisions
    assert ends(await api.all(path, limit=limit)) == TAGS[1:]


async def test_each_link_is_explained_by_the_fact_that_decides_it(library: StoreTenant, api: Api) -> None:
    path = "relationships/article_tag/links/a/why"
    status, problem = await api.ask(path)
    assert (status, "?parent=" in problem["detail"]) == (400, True)
    why = await api.get(path, parent="y")
    assert why["state"] == "waiting"
    assert why["waiting_for"] == {"owner": "library", "kind": "tag", "key": "y"}
    assert why["sentence"].startswith("ArticlePublished a (")
    assert "names tag y, which is not known yet" in why["sentence"]
    await library.record(event("ArticleUntagged", "a", 2, tag="y"))
    why = await api.get(path, parent="y")
    assert (why["state"], [fact["type"] for fact in why["facts"]]) == ("closed", ["ArticleUntagged.v1"])
    assert len(why["history"]) == 1
    shelf = await api.get("relationships/shelf_book/links/l/why", parent="s")
    assert (shelf["missing"], shelf["waiting_for"]["key"]) == ("child", "l")
    assert "ShelfBuilt s (" in shelf["sentence"]
    await library.record(event("ShelfRemoved", "s", 2))
    shelf = await api.get("relationships/shelf_book/links/k/why", parent="s")
    assert (shelf["state"], "and is deleted since" in shelf["sentence"]) == ("broken", True)


async def test_counts_and_waits_count_links(library: StoreTenant, api: Api) -> None:
    tags = await api.get("relationships/article_tag", counts=True)
    assert (tags["cardinality"], tags["listing"], tags["via"]) == ("many-to-many", "child", "tags")
    assert (tags["counts"]["linked"], tags["counts"]["waiting"]) == (2, 1)
    books = await api.get("relationships/shelf_book", counts=True)
    assert (books["listing"], books["counts"]["linked"], books["counts"]["waiting"]) == ("parent", 2, 1)
    waits = {w["relationship"]: w for w in await api.all("waiting")}
    assert (waits["shelf_book"]["waiting_for"]["key"], waits["shelf_book"]["children"]) == ("l", 1)
    assert (waits["article_tag"]["parent"], waits["article_tag"]["children"]) == ("y", 1)


async def test_feed_has_an_item_for_each_link_under_its_own_subject(library: StoreTenant, api: Api) -> None:
    _, offset = await api.feed(relationship="article_tag")
    await library.record(event("ArticleEdited", "a", 2, tags=["y", "z"]), event("TagCoined", "y", 1))
    items, offset = await api.feed(relationship="article_tag", offset=offset)
    assert [(item["subject"], item["type"]) for item in items] == [
        ('["a","x"]', "Unlinked"),
        ('["a","z"]', "Waiting"),
        ('["a","y"]', "Linked"),
    ]
    again, _ = await api.feed(relationship="article_tag", offset=items[0]["id"])
    assert again == items[1:]
    _, offset = await api.feed(relationship="shelf_book")
    await library.record(event("ShelfRemoved", "s", 2), event("BookBought", "l", 1))
    items, _ = await api.feed(relationship="shelf_book", offset=offset)
    assert [(item["subject"], item["type"]) for item in items] == [('["k","s"]', "Broken"), ('["l","s"]', "Broken")]


@pytest.mark.parametrize("name", ["article_tag", "shelf_book"])
async def test_snapshot_and_audit_hold_each_link_under_its_subject(library: StoreTenant, api: Api, name: str) -> None:
    await library.record(event("ShelfRemoved", "t", 2), event("TagDropped", "x", 2))
    links = await api.all(f"relationships/{name}/links")
    answer = await api.http.get("/v1/snapshots", params={"relationship": name})
    start, *rows, end = [json.loads(line) for line in answer.text.splitlines()]
    assert (start["data"]["total"], len(rows)) == (len(links), len(links))
    kept = [[row["subject"], row["data"]["parent"], row["data"]["state"]] for row in rows]
    assert [(row["data"]["child"], row["data"]["parent"], row["data"]["state"]) for row in rows] == ends(links)
    assert all(json.loads(row["subject"]) == [row["data"]["child"], row["data"]["parent"]] for row in rows)
    whole = total(kept)
    assert (end["data"]["count"], end["data"]["checksum"]) == (whole.rows, f"{whole.sum:016x}")
    rest = await api.http.get("/v1/snapshots", params={"relationship": name, "cursor": rows[0]["id"]})
    again = [json.loads(line) for line in rest.text.splitlines()]
    assert ([row["subject"] for row in again[1:-1]], again[-1]["data"]) == ([row[0] for row in kept[1:]], end["data"])
    at = start["data"]["token"]

    def buckets_of(prefixes: list[str]) -> dict[str, Bucket]:
        found: dict[str, Bucket] = {}
        for row in kept:
            below = key_hash(row[0])[: len(prefixes[0]) + 1]
            if below[:-1] in prefixes:
                found[below] = found.get(below, Bucket()).plus(1, row_hash(row))
        return found

    audit = await api.get("audits", relationship=name, at=at)
    assert {b["prefix"]: (b["count"], b["sum"]) for b in audit["buckets"]} == {
        prefix: (bucket.rows, f"{bucket.sum:016x}") for prefix, bucket in buckets_of([""]).items()
    }
    first = key_hash(kept[0][0])[:2]
    rows_of = await api.get("audits", relationship=name, at=at, prefix=first, rows=True)
    assert {row["key"]: row["hash"] for row in rows_of["rows"]} == {
        row[0]: f"{row_hash(row):016x}" for row in kept if key_hash(row[0]).startswith(first)
    }
