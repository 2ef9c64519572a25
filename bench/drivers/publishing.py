"""Publishes one fact over a connection."""

import time
from typing import Any

import orjson

from bench.drivers import wire
from bench.drivers.client import ONE
from bench.drivers.facts import Event, event
from bench.drivers.stack import MeasuredTether, Tenant
from bench.drivers.wire import Wire
from bench.errors import InvalidMeasurement


async def publish(connection: Wire, tether: MeasuredTether, tenant: Tenant, fact: Event) -> tuple[float, str]:
    """Publishes a fact; returns the milliseconds until the response, and its token.

    Raises InvalidMeasurement unless the fact was accepted.
    """
    request = wire.request(tether.events, tenant.key, ONE, orjson.dumps(fact))
    began = time.perf_counter()
    status, answer = await connection.exchange(request)
    took = time.perf_counter() - began
    result = orjson.loads(answer) if status == 202 else {}
    if result.get("accepted") != 1:
        raise InvalidMeasurement(f"{fact['type']} was not accepted: {status} {answer[:300]!r}")
    return took * 1_000, result["token"]


async def publish_one(
    tether: MeasuredTether, tenant: Tenant, source: str, type: str, key: str, data: dict[str, Any], number: int = 1
) -> None:
    """Publishes a fact over a new connection. Raises InvalidMeasurement unless the fact was accepted."""
    connection = await wire.connect(tether.events)
    await publish(connection, tether, tenant, event(source, type, key, data, number))
    connection.close()
