"""After a restore from a backup, tokens of lost revisions are refused, and none names another revision again."""

import pytest

from catalog.catalog import Catalog
from facts import tokens
from facts.revisions import epoch_of
from store.audit.verify import verify
from store.db import epochs
from store.db.pool import Pool
from store.migrate import migrate
from tests.api.conftest import Api
from tests.support.consumer_calls import put
from tests.support.events import event
from tests.support.posting import ApiCaller
from tests.support.recording import TENANT, FactRecorder


async def category(facts: FactRecorder, sequence: int) -> str:
    """Records the next name of a category; returns the token."""
    added = event("CategoryAdded", "c", sequence, name=f"name {sequence}")
    return tokens.token(TENANT, await facts.record(added))


async def restore(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await epochs.begin_everywhere(conn, "a test")


async def lose_the_newest_revision(pool: Pool) -> None:
    """Puts the tables back as a backup from before the newest revision holds them."""
    async with pool.acquire() as conn, conn.transaction():
        newest = await conn.fetchval("select max(revision) from revisions")
        await conn.execute("delete from facts where revision = $1", newest)
        await conn.execute("delete from entities where from_revision = $1", newest)
        await conn.execute("update entities set to_revision = 9223372036854775807 where to_revision = $1", newest)
        await conn.execute("delete from revisions where revision = $1", newest)
        await conn.execute("update tenant_revisions set revision = revision - 1, facts = facts - 1")


async def test_a_token_of_a_lost_revision_expires_and_a_kept_one_stays(
    api: Api, facts: FactRecorder, pool: Pool
) -> None:
    kept, lost = await category(facts, 1), await category(facts, 2)
    await lose_the_newest_revision(pool)
    await restore(pool)
    newer = await category(facts, 3)
    assert kept < lost < newer
    for query in ({"as_of": lost}, {"at_least": lost}):
        status, problem = await api.ask("entities/category/c", **query)
        assert (status, problem["type"], problem["resync"]) == (410, "/problems/expired", "/v1/snapshots")
    assert (await api.get("entities/category/c", as_of=kept))["data"]["name"] == "name 1"
    assert (await api.get("entities/category/c", at_least=newer))["data"]["name"] == "name 3"


async def test_every_position_in_the_feed_expires_with_a_restore(api: Api, facts: FactRecorder, pool: Pool) -> None:
    before = await category(facts, 1)
    await restore(pool)
    status, problem = await api.ask("feed", offset=before)
    assert (status, problem["type"]) == (410, "/problems/expired")
    await category(facts, 2)
    items = await api.get("feed", offset=problem["earliest"])
    assert [item["data"]["data"] for item in items] == [{"name": "name 2"}]


BATCH, LINES = {"accept": "application/cloudevents-batch+json"}, {"accept": "application/x-ndjson"}


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({}, {}),
        ({"offset": "-1"}, {}),
        ({"offset": "-1", "live": "long-poll", "timeout": "1"}, {}),
        ({"live": "sse"}, {}),
        ({"live": "stream"}, {"last-event-id": "-1"}),
        ({}, LINES),
        ({"lastEventId": ""}, BATCH),
    ],
)
async def test_the_feed_has_no_beginning_where_a_restore_kept_something(
    caller: ApiCaller, facts: FactRecorder, pool: Pool, query: dict[str, str], headers: dict[str, str]
) -> None:
    await category(facts, 1)
    await restore(pool)
    answer = await caller.ask("GET", "/v1/feed", params={**query, "kind": "category"}, headers=headers)
    assert (answer.status, answer.slug, answer.content["resync"]) == (410, "expired", "/v1/snapshots?kind=category")
    registered = await put(caller, offset="-1")
    assert (registered.status, registered.slug) == (410, "expired")


async def test_the_feed_of_a_tenant_that_was_lost_is_read_from_its_beginning(
    caller: ApiCaller, facts: FactRecorder, pool: Pool
) -> None:
    await restore(pool)
    empty = await caller.ask("GET", "/v1/feed", params={"offset": "-1"})
    assert (empty.content, empty.headers["stream-up-to-date"]) == ([], "true")
    started = (await put(caller, offset="-1")).content
    assert started["state"] == "current"
    await category(facts, 1)
    for query in ({"offset": "-1"}, {"offset": empty.headers["stream-next-offset"]}, {"consumer": "shopping"}):
        answer = await caller.ask("GET", "/v1/feed", params=query)
        assert [item["subject"] for item in answer.content] == ["c"]
    for path in ("feed?offset=", "entities/category/c?as_of=", "entities/category/c?at_least="):
        lost = await caller.ask("GET", f"/v1/{path}{tokens.token(TENANT, 1)}")
        assert (lost.status, lost.slug) == (410, "expired")
    assert (await caller.get("consumers/shopping"))["lag"]["revisions"] == 1


async def test_no_copy_has_a_write_that_was_lost(caller: ApiCaller, facts: FactRecorder, pool: Pool) -> None:
    await facts.record(event("UserCreated", "u", 1, name="n", email="e"))
    kept, lost = await category(facts, 1), await category(facts, 2)
    await lose_the_newest_revision(pool)
    await restore(pool)
    await category(facts, 3)
    await put(caller, offset="now")
    row = "/v1/replicas/shopping_customer/u?freshness=stale&consumer=shopping&at_least"
    for path in ("/v1/wait?consumer=shopping&token", row):
        assert (await caller.ask("GET", f"{path}={kept}")).status == 200
        answer = await caller.ask("GET", f"{path}={lost}")
        assert (answer.status, answer.slug) == (410, "expired")


async def test_two_restores_of_one_backup_begin_two_epochs(facts: FactRecorder, pool: Pool) -> None:
    await category(facts, 1)
    await restore(pool)
    first = await category(facts, 2)
    await restore(pool)
    assert tokens.revision(TENANT, await category(facts, 3)) > tokens.revision(TENANT, first)
    begun = await pool.fetch("select revision, restored from epochs order by revision")
    assert [epoch_of(row["revision"]) for row in begun] == sorted({epoch_of(row["revision"]) for row in begun})
    assert begun[1]["restored"] == tokens.revision(TENANT, first)


async def test_tables_with_epochs_verify(facts: FactRecorder, pool: Pool, catalog: Catalog) -> None:
    await category(facts, 1)
    await restore(pool)
    await category(facts, 2)
    assert (await verify(pool, catalog, rebuild=True)).sound
    await pool.execute("update epochs set restored = restored + 1")
    assert not (await verify(pool, catalog)).sound


@pytest.mark.parametrize(
    "other",
    [
        "update database_identity set system_identifier = 'former'",
        "update database_identity set timeline = 'former'",
    ],
)
async def test_migrate_begins_an_epoch_in_another_cluster_or_timeline(
    other: str, facts: FactRecorder, pool: Pool, catalog: Catalog
) -> None:
    await category(facts, 1)
    assert (await migrate(pool, catalog)).epochs == []
    await pool.execute(other)
    (begun,) = (await migrate(pool, catalog)).epochs
    assert (begun.tenant, begun.restored) == (TENANT, 1)
    assert (await migrate(pool, catalog)).epochs == []
