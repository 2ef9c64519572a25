"""Publishes one fact over a connection."""

import time
from typing import Any

import orjson

from bench.drivers import wire
from bench.drivers.client import ONE
from bench.drivers.facts import Event, event
from bench.drivers.stack import MeasuredTether, Tenant
from bench.drivers.wire import Wire
from bench.errors import Spoilt


async def publish(connection: Wire, tether: MeasuredTether, tenant: Tenant, facts: Event) -> tuple[float, str]:
    """Milliseconds until the answer, and its token. Raises Spoilt unless the fact was taken."""
    request = wire.request(tether.events, tenant.key, ONE, orjson.dumps(facts))
    began = time.perf_counter()
    status, answer = await connection.ask(request)
    took = time.perf_counter() - began
    said = orjson.loads(answer) if status == 202 else {}
    if said.get("accepted") != 1:
        raise Spoilt(f"{facts['type']} was not taken: {status} {answer[:300]!r}")
    return took * 1_000, said["token"]


async def publish_one(
    tether: MeasuredTether, tenant: Tenant, source: str, type: str, key: str, data: dict[str, Any], number: int = 1
) -> None:
    """Over a connection of its own. Raises Spoilt."""
    connection = await wire.connect(tether.events)
    await publish(connection, tether, tenant, event(source, type, key, data, number))
    connection.close()
