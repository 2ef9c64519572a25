"""The API serves what an earlier version recorded: compared with the rows as they were before newer migrations."""

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
import pytest

from config import Settings
from store.db.pool import Connection
from tests.support.http import Client, client, serving
from tests.takeover import load
from tests.takeover.environment import MAIN
from tests.takeover.rows import FORMER_STATES
from tests.takeover.test_takeover import ADMIN_OF_MAIN

pytestmark = pytest.mark.stack

VALUES = re.compile(r"\b[0-9a-f]{32}\b|\b\d+\b|\b\w+_\w+\b|\b[A-Z]\w+\b")
"""Parts of a sentence that are values: ids, numbers, names of relationships and commands. The rest may be reworded."""

FEED_LIMIT = 40
"""Items of a page, as in ``before/make_feed.py``: cursors of short pages depend on it."""


@pytest.fixture
async def recorded(recorded_url: str) -> AsyncIterator[Connection]:
    """The rows as they were recorded, in the schema of their time."""
    conn = await asyncpg.connect(recorded_url, server_settings={"search_path": "tether"})
    yield conn
    await conn.close()


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Client]:
    """The API on the migrated rows, called with a recorded API key of the tenant MAIN."""
    async with serving(settings) as app, client(app, ADMIN_OF_MAIN) as caller:
        yield caller


async def read_all(api: Client, path: str) -> list[Any]:
    """Reads the items of all pages."""
    items, query = [], dict[str, str]()
    while True:
        page = await api.get(path, **query)
        items += page["items"]
        if page["next"] is None:
            return items
        query = {"cursor": page["next"]}


def former_item(item: dict[str, Any]) -> dict[str, Any]:
    """The item of the feed as the earlier version wrote it: what is its data today, with other names of fields."""
    data = {name: value for name, value in item["data"].items() if name != "facts"}
    return {"left" if name == "previous_parent" else name: value for name, value in data.items()}


def without_token(item: dict[str, Any]) -> dict[str, Any]:
    """The item without the token of its revision: tokens are written in another way now."""
    return {name: value for name, value in item.items() if name != "revision"}


def says_the_same(shown: str, recorded: str) -> bool:
    """Whether a sentence has all values of the recorded one, and is empty if that is."""
    return bool(shown) == bool(recorded) and set(VALUES.findall(recorded)) <= set(VALUES.findall(shown))


async def test_feed_serves_the_items_that_earlier_version_served(api: Client) -> None:
    query: dict[str, Any] = {"limit": FEED_LIMIT}
    for page in load.feed():
        items, query["offset"] = await api.feed(**query)
        assert [former_item(item) for item in items] == list(map(without_token, page["items"]))


async def test_feed_goes_on_after_tokens_of_earlier_version(api: Client) -> None:
    items = [item for page in load.feed() for item in page["items"]]
    overdue = next(n for n, item in enumerate(items) if item.get("fact", {}).get("type") == "RelationshipOverdue.v1")
    before = next(
        item["revision"] for item in reversed(items[:overdue]) if item["revision"] != items[overdue]["revision"]
    )
    shown = await api.get("feed", offset=before, limit=1000)
    assert without_token(items[overdue]) in map(former_item, shown)
    assert "debtor" in items[overdue]["fact"]["data"]  # former name


async def test_operations_keep_their_state_and_reason(api: Client, recorded: Connection) -> None:
    query = "select id, state, reason, stuck_since, due, cancelled_at from operations where tenant = $1"
    rows = {row["id"]: row for row in await recorded.fetch(query, MAIN)}
    shown = {item["id"]: item for item in await read_all(api, "operations")}
    assert set(shown) == set(rows)
    for id, row in rows.items():
        assert FORMER_STATES.get(shown[id]["state"], shown[id]["state"]) == row["state"]
        assert says_the_same(shown[id]["reason"], row["reason"]), (shown[id]["reason"], row["reason"])
        times = {"stuck_since": "stuck_since", "due": "due", "cancellation_requested_at": "cancelled_at"}
        for name, column in times.items():
            assert (shown[id][name] is None) == (row[column] is None), (id, name)


async def test_children_of_operations_keep_their_error(api: Client, recorded: Connection) -> None:
    query = "select operation, child, reason from items where tenant = $1 and state in ('failing', 'parked')"
    rows = await recorded.fetch(query, MAIN)
    for operation in {row["operation"] for row in rows}:
        items = await read_all(api, f"operations/{operation}/children")
        shown = {item["child"]: item["reason"] for item in items}
        for row in rows:
            if row["operation"] == operation:
                assert says_the_same(shown[row["child"]], row["reason"]), (shown[row["child"]], row["reason"])


async def test_plans_keep_their_scope_and_hash(api: Client, recorded: Connection) -> None:
    rows = await recorded.fetch("select id, kind, hash, report, operation from plans where tenant = $1", MAIN)
    for row in rows:
        plan = await api.get(f"plans/{row['id']}")
        report = orjson.loads(row["report"])
        assert (plan["kind"], plan["hash"], plan["operation"]) == (row["kind"], row["hash"], row["operation"])
        assert (plan["parts"], plan["restricted"]) == (report["parts"], report["restricted"])


async def test_waits_keep_their_owner_deadline_and_error(api: Client, recorded: Connection) -> None:
    query = "select * from waits where tenant = $1"
    rows = {(row["relationship"], row["parent"]): row for row in await recorded.fetch(query, MAIN)}
    items = await read_all(api, "waiting")
    assert len(items) == len(rows)
    for item in items:
        row = rows[item["relationship"], item["parent"]]
        assert (item["missing"], item["waiting_for"]["owner"]) == (row["lacks"], row["debtor"])  # former name
        assert item["overdue"] == (item["parent"] in ("attic", "cellar"))
        assert (item["overdue_notified_at"] is not None) == (row["told_at"] is not None)  # former name
        assert (item["workflow"] is not None) == (row["started_at"] is not None)
        assert row["note"] in item["reason"]
