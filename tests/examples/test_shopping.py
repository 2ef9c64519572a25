"""Shopping against Tether's API: its table has the declared fields of users, and answers say as of when they are."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from api.app import create_app
from config import Settings
from examples.shopping.service import CONSUMER, FILTER, application
from facts import tokens
from store.db import credentials
from store.db.pool import Pool
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.recording import TENANT, FactRecorder

pytestmark = pytest.mark.stack


@pytest.fixture
async def shopping(settings: Settings, database_url: str, pool: Pool) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of Shopping, which has just started."""
    tether = create_app(settings)
    async with pool.acquire() as conn:
        key = await credentials.create(conn, TENANT, CONSUMER, "operate")
    headers = {"authorization": f"Bearer {key}"}
    transport = httpx2.ASGITransport(tether)
    async with tether.router.lifespan_context(tether):
        async with httpx2.AsyncClient(transport=transport, base_url="http://tether.test", headers=headers) as http:
            (await http.put(f"/v1/consumers/{CONSUMER}", json={"filter": FILTER})).raise_for_status()
        app = application(
            database_url, httpx2.AsyncClient(transport=transport, base_url="http://tether.test", headers=headers)
        )
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://shopping.test") as http,
        ):
            yield http


async def customer(shopping: httpx2.AsyncClient, key: str, **query: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON of what Shopping shows of a user."""
    answer = await shopping.get(f"/customers/{key}", params=query)
    return answer.status_code, answer.json()


async def test_table_of_shopping_has_the_declared_fields_of_users(
    facts: FactRecorder, shopping: httpx2.AsyncClient
) -> None:
    await facts.record(event("UserCreated", "ann", 1, name="Ann", email="a@x", phone="1"))
    await facts.record(event("UserCreated", "bob", 1, name="Bob", email="b@x"), event("UserDeleted", "bob", 2))
    second = await facts.record(event("UserChanged", "ann", 2, email="ann@x"))

    async def copied() -> bool:
        status, body = await customer(shopping, "ann")
        return status == 200 and body["email"] == "ann@x"

    await eventually(copied)
    _, shown = await customer(shopping, "ann")
    assert shown.keys() == {"id", "name", "email", "as_of"}
    assert (await customer(shopping, "bob"))[0] == (await customer(shopping, "bob", freshness="latest"))[0] == 404
    status, latest = await customer(shopping, "ann", freshness="latest")
    assert (status, latest["email"], latest["as_of"]) == (200, "ann@x", tokens.token(TENANT, second))
    assert latest["copy"]["differs"] is False
    assert (await shopping.get("/customers")).json()["rows"] == [["ann", {"name": "Ann", "email": "ann@x"}]]
