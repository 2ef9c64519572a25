"""A worker that is killed between a receiver's 2xx and the move of the position."""

import orjson
import pytest
from fastapi import FastAPI, Request

from devstack.temporal_server import TemporalServer
from gateways.webhooks import Webhooks
from store.consumers import registrations
from store.deliveries import webhooks
from tests.support import forked, killed_delivery
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.receivers import SECRET
from tests.support.serving import serving
from tests.support.subscribers import subscribe
from tests.workflows.delivery.test_deliveries import CATEGORIES, add, subject

pytestmark = [pytest.mark.stack, pytest.mark.faults, pytest.mark.slow]


def receiver(messages: list[tuple[str, list[str]]]) -> FastAPI:
    """Accepts all messages; keeps webhook-id and the ids of the events of each."""
    app = FastAPI()

    @app.post("/hook")
    async def accept(request: Request) -> None:
        ids = [event["id"] for event in orjson.loads(await request.body())]
        messages.append((request.headers["webhook-id"], ids))

    return app


async def test_accepted_message_comes_again_by_the_same_id_and_none_is_lost(
    harness: Harness, database_url: str, server: TemporalServer
) -> None:
    messages: list[tuple[str, list[str]]] = []
    async with serving(receiver(messages)) as served:
        await subscribe(harness.pool, harness.tenant, "shop", CATEGORIES, batch=2)
        url = f"http://127.0.0.1:{served.port}/hook"
        await webhooks.put(
            *(harness.pool, harness.tenant, "shop"),
            url=url, secret=SECRET, keep_secret=True, batch=2, consented=True, actor="test",
        )  # fmt: skip
        await add(harness, "c1", "c2", "c3")
        async with harness.dispatching():
            killed = forked.start(killed_delivery.main, database_url, server.address, harness.tenant)
            assert await forked.exit_code(killed) == 9
        assert len(messages) == 1
        assert (await registrations.find(harness.pool, harness.tenant, "shop")).acknowledged_at is None
        harness.webhooks = Webhooks(["127.0.0.0/8"])
        async with harness.running():
            await eventually(lambda: _count(messages, 3), 90)
            await harness.wait_for_workflow_end(subject(harness, "shop"))
    (first, ids), (again, same), (_, last) = messages
    assert (first, ids) == (again, same)
    assert len({*ids, *last}) == 3


async def _count(messages: list[tuple[str, list[str]]], count: int) -> bool:
    return len(messages) >= count
