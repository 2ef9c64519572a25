"""The workflow of an erasure: started by its row, whatever is lost, and the owner follows."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from examples.people.service import PEOPLE
from messages.erasure import erasure_id
from store.erasure import requests
from store.erasure.requests import ErasureRow
from tests.support import canaries
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.merge_requests import create_people
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack

CANARY = "canary-7f3a"


@pytest.fixture
async def people(harness: Harness, tmp_path: Path) -> AsyncIterator[Scenario]:
    """A running Tether with the owner of people, and the profiles a and b."""
    scenario = Scenario(harness, tmp_path, {"people": PEOPLE})
    async with scenario.running(), harness.running():
        await create_people(scenario, "a", "b")
        await harness.record(event("PersonChanged", "a", 50, name=CANARY))
        yield scenario


async def request(harness: Harness, key: str) -> str:
    """Requests the erasure of a person; returns its id."""
    row = await requests.request(
        harness.pool, harness.catalog, harness.tenant, "person", key, reason="", actor="test", idempotency_key=None
    )
    return row.id


async def wait_for_end(harness: Harness, id: str) -> ErasureRow:
    """Waits until an erasure has ended; returns its row."""

    async def ended() -> Any:
        async with harness.pool.acquire() as conn:
            row = await requests.find(conn, harness.tenant, id)
        return row if row.state == "done" else None

    row: ErasureRow = await eventually(ended)
    return row


async def test_rows_are_emptied_and_the_owner_follows(people: Scenario) -> None:
    harness = people.harness
    row = await wait_for_end(harness, await request(harness, "a"))
    assert await canaries.find(harness.pool, CANARY) == []
    assert (row.owner_state, row.owner_error) == ("accepted", "")
    assert row.vacuumed_at
    assert row.ended_at
    assert [path for _, _, path in people.transport.requests] == ["/people/a/erasures"]
    assert [fact["key"] for fact in await harness.facts("EntityErased")] == ["a"]


async def test_a_refusal_of_the_owner_is_in_the_certificate(people: Scenario) -> None:
    people.transport.refused = {"/b/erasures": (403, "b has open invoices")}
    row = await wait_for_end(people.harness, await request(people.harness, "b"))
    assert row.owner_state == "refused"
    assert row.owner_error.endswith("refused with 403")  # its words may repeat what was erased


async def test_an_erasure_whose_workflow_is_lost_is_started_again(people: Scenario) -> None:
    harness = people.harness
    people.transport.refused = {"/a/erasures": (503, "later")}
    id = await request(harness, "a")

    async def requested() -> bool:
        return bool(people.transport.requests)

    await eventually(requested)
    await harness.client.get_workflow_handle(erasure_id(harness.tenant, id)).terminate()
    people.transport.refused = {}
    await harness.pool.execute("update erasures set next_run = clock_timestamp()")
    row = await wait_for_end(harness, id)
    assert row.owner_state == "accepted"
    assert len(await harness.facts("EntityErased")) == 1
