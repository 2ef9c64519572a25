"""`GET /v1/retention`, and what answers to positions before the horizon."""

from datetime import timedelta

import pytest

from catalog.catalog import Catalog
from config import Retention, Settings
from facts import tokens
from store.db.pool import Pool
from store.retention import run
from tests.api.conftest import Api
from tests.support.events import Event, event
from tests.support.recording import TENANT, FactRecorder

KEPT = Retention(history=timedelta(hours=1))


def item(key: str) -> Event:
    """An item of the category."""
    return event("ItemAdded", key, name=key, category="c")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With a history of one hour."""
    return settings.model_copy(update={"retention": KEPT})


@pytest.fixture
async def trimmed(facts: FactRecorder, pool: Pool, catalog: Catalog) -> str:
    """Trims the history of some items of a category; returns a token from before the horizon."""
    old = await facts.record(event("CategoryAdded", "c", name="one"), item("i0"))
    for n in range(1, 5):
        await facts.record(item(f"i{n}"), event("CategoryUpdated", "c", n + 1, name=str(n)))
    await pool.execute("update revisions set at = at - interval '2 hours' where revision <= 3")
    assert sum([rows async for rows in run.run(pool, catalog, TENANT, KEPT)])
    return tokens.token(TENANT, old)


@pytest.mark.parametrize(
    "path",
    [
        "entities/category/c",
        "entities/person/p/activity",
        "relationships/category_item/links",
        "replicas/shopping_customer/u",
    ],
)
async def test_reads_before_the_horizon_answer_410_with_the_way_on(path: str, api: Api, trimmed: str) -> None:
    status, problem = await api.ask(path, as_of=trimmed)
    assert (status, problem["type"]) == (410, "/problems/expired")
    assert problem["earliest"] == tokens.token(TENANT, 3)
    assert problem["resync"] == "/v1/snapshots"
    assert (await api.ask(path, as_of=problem["earliest"]))[0] in (200, 404)


async def test_the_feed_before_the_horizon_has_expired_and_goes_on_after_it(api: Api, trimmed: str) -> None:
    for query in ({}, {"offset": trimmed}):
        status, problem = await api.ask("feed", **query)
        assert (status, problem["type"]) == (410, "/problems/expired")
    items = await api.get("feed", offset=problem["earliest"])
    assert {item["token"] for item in items} == {tokens.token(TENANT, n) for n in (4, 5)}


async def test_a_listing_that_began_before_the_horizon_has_expired(
    api: Api, facts: FactRecorder, pool: Pool, catalog: Catalog
) -> None:
    await facts.record(*(item(f"i{n}") for n in range(3)))
    path = "relationships/category_item/links"
    page = await api.get(path, limit=2)
    page = await api.get(path, limit=2, as_of=page["token"])
    await facts.record(event("ItemRemoved", "i2", 2))
    await pool.execute("update revisions set at = at - interval '2 hours'")
    assert sum([rows async for rows in run.run(pool, catalog, TENANT, KEPT)])
    assert (await api.ask(path, limit=2, as_of=page["token"], cursor=page["next"]))[0] == 410


async def test_metrics_have_the_horizon_and_what_was_trimmed(api: Api, trimmed: str) -> None:
    text = (await api.http.get("/metrics")).text
    assert 'tether_horizon_revision{tenant="main"} 3.0' in text
    assert 'tether_horizon_age_seconds{tenant="main"} 7' in text
    assert 'tether_trimmed_rows_total{tenant="main",what="entities"} 2.0' in text


async def test_the_report_names_the_horizon_and_what_was_trimmed(api: Api, trimmed: str) -> None:
    report = await api.get("retention")
    assert report["kept"]["history"] == "PT1H"
    assert report["horizon"] == tokens.token(TENANT, 3)
    assert report["horizon_at"]
    assert report["held_by"] is None
    assert report["trimmed"] == {"entities": 2, "revisions": 2}
    assert report["last_run"]
