"""Facts of older versions, messages of other systems and keys in several spellings, over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from api.app import create_app
from config import Limits, Settings
from facts.validation import Validator
from store.db.pool import Pool
from store.migrate import migrate
from tests.api.conftest import Api
from tests.support.posting import ApiCaller
from tests.support.tenants import TRACKER

CATALOG = Path(__file__).parents[2] / "support" / "catalogs" / "tracker"


@pytest.fixture
async def app(settings: Settings, pool: Pool) -> AsyncIterator[FastAPI]:
    """The API with the declarations of the tracker."""
    await migrate(pool, TRACKER)
    app = create_app(settings.model_copy(update={"catalog": (CATALOG,)}))
    async with app.router.lifespan_context(app):
        yield app


def event(type: str, subject: str | None, source: str = "/tracker", sequence: int = 1, **data: Any) -> dict[str, Any]:
    named = {} if subject is None else {"subject": subject}
    return {
        "specversion": "1.0", "source": source, "id": f"{type}/{subject}/{sequence}", "type": type,
        "sequence": str(sequence), **named, "data": data,
    }  # fmt: skip


ADA = event("CorrespondentAdded.v1", "Ada@Example.com", "/addresses", name="Ada")


async def test_facts_say_what_was_published_and_how_it_is_read(caller: ApiCaller, api: Api) -> None:
    await caller.event(event("com.tracker.issues.opened", "7", title="t"))
    (fact,) = (await api.get("entities/issue/7/facts"))["items"]
    assert (fact["type"], fact["effect"], fact["data"]) == ("com.tracker.issues.opened", "created", {"title": "t"})
    assert fact["read_as"] == {"type": "com.tracker.issues.opened.v2", "data": {"subject": "t"}}
    assert (await api.get("entities/issue/7"))["data"] == {"subject": "t"}
    assert (await api.get("feed"))[-1]["data"]["data"] == {"subject": "t"}


async def test_message_is_answered_by_its_facts_and_kept_beside_the_first(caller: ApiCaller, api: Api) -> None:
    where = {"id": 3, "name": "engine"}
    opened = event("com.tracker.issues", None, action="opened", issue={"id": 7, "title": "t"}, repository=where,
                   new_repository=True)  # fmt: skip
    ignored = event("com.tracker.issues", None, sequence=2, action="labeled", issue={"id": 7})
    response = await caller.batch(opened, ignored, event("com.tracker.issues", None, sequence=3))
    found = response.content
    assert (found["accepted"], found["ignored"]) == (2, 1)
    assert [item["index"] for item in found["quarantined"]] == [2]
    assert "the mapping issues raises KeyError" in found["quarantined"][0]["reason"]
    (made,) = (await api.get("entities/repository/3/facts"))["items"]
    assert made["published"] == {"type": "com.tracker.issues", "subject": None, "data": opened["data"]}
    assert (await api.get("entities/issue/7"))["references"] == {"repository_issue": "3"}
    assert 'tether_facts_total{outcome="ignored"} 1.0' in (await caller.http.get("/metrics")).text


def test_messages_belong_to_the_owner_whose_module_maps_them() -> None:
    assert Validator(TRACKER, Limits()).owner("com.tracker.issues") == "tracker"


@pytest.mark.parametrize("spelled", ["Ada@Example.com", "ada@example.com", "ADA@EXAMPLE.COM"])
async def test_any_spelling_of_a_key_reads_the_entity(caller: ApiCaller, api: Api, spelled: str) -> None:
    await caller.event(ADA)
    await caller.event(event("com.tracker.issues.opened", "7", reporter="ada@EXAMPLE.com"))
    found = await api.get(f"entities/correspondent/{spelled}")
    assert (found["key"], found["requested"], found["data"]) == ("ada@example.com", spelled, {"name": "Ada"})
    (fact,) = (await api.get(f"entities/correspondent/{spelled}/facts"))["items"]
    assert fact["published"] == {"subject": "Ada@Example.com"}
    (link,) = (await api.get("relationships/correspondent_issue/links", parent=spelled))["items"]
    assert (link["child"], link["parent"]) == ("7", "ada@example.com")


async def test_merge_by_request_takes_keys_in_any_spelling(caller: ApiCaller, api: Api) -> None:
    await caller.batch(ADA, event("CorrespondentAdded.v1", "lovelace@example.com", "/addresses"))
    path, both = "/v1/entities/correspondent/merges", {"survivor": "ADA@example.com", "losers": ["ada@EXAMPLE.com"]}
    assert (await caller.ask("POST", path, key="operate", json=both)).status == 409
    merge = {"survivor": "ADA@example.com", "losers": ["Lovelace@example.com"]}
    assert (await caller.ask("POST", path, key="operate", json=merge)).status == 202
    (listed,) = (await api.get("merges", kind="correspondent", key="LOVELACE@example.com"))["items"]
    (loser,) = listed["losers"]
    assert (listed["survivor"], loser["loser"]) == ("ada@example.com", "lovelace@example.com")


async def test_fact_is_taken_back_by_any_spelling(caller: ApiCaller, api: Api) -> None:
    await caller.event(ADA)
    void = {"source": "/addresses", "id": ADA["id"], "reason": "a test"}
    path = "/v1/entities/correspondent/ADA@example.com/voids"
    token = (await caller.ask("POST", path, key="operate", json=void)).content["token"]
    assert (await api.ask("entities/correspondent/ada@example.com", at_least=token))[0] == 404
