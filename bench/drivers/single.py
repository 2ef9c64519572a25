"""Measures single changes and single reads, one after another."""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

import orjson

from bench.drivers import wire
from bench.drivers.facts import event
from bench.drivers.publishing import publish
from bench.drivers.stack import Connection, MeasuredTether, Tenant
from bench.drivers.wire import Wire
from bench.errors import InvalidMeasurement

TEAMS = 50
TIMEOUT = 30.0
"""Seconds after which a deletion that has not ended fails the measurement."""


class SingleChanges:
    """Moves, reads and deletes events and teams of the recipe ``events``; ``events`` are their numbers.

    Events whose teams have moved, or which are deleted, cannot be read later.
    """

    def __init__(self, tether: MeasuredTether, tenant: Tenant, conn: Connection) -> None:
        self._tether = tether
        self._tenant = tenant
        self._conn = conn
        self._random = random.Random(1)
        self._sequence = 1

    async def moves(self, events: Sequence[int], times: int) -> list[float]:
        """Moves teams; returns the milliseconds of each move: from its fact until a read shows the new event."""
        at, took = await wire.connect(self._tether.events), []
        for _ in range(times):
            left, to = self._random.sample(events, 2)
            # Only the last team of an event moves, so that the number of the others is known.
            team, self._sequence = f"t{left}-{TEAMS}", self._sequence + 1
            moved = event("/teams", "TeamMoved.v1", team, {"event_id": f"e{to}"}, self._sequence)
            began = time.perf_counter()
            _, token = await publish(at, self._tether, self._tenant, moved)
            page = await self._get(at, f"/v1/relationships/event_team/links?child={team}&at_least={token}")
            took.append((time.perf_counter() - began) * 1_000)
            if [link["parent"] for link in page["items"]] != [f"e{to}"]:
                raise InvalidMeasurement(f"{team} moved to e{to}, and is read as {page['items']}")
        at.close()
        return took

    async def reads(self, events: Sequence[int], times: int) -> list[float]:
        """Reads the teams of events; returns the milliseconds of each read."""
        at, took = await wire.connect(self._tether.events), []
        for _ in range(times):
            path = f"/v1/relationships/event_team/links?parent=e{self._random.choice(events)}&limit=100"
            began = time.perf_counter()
            page = await self._get(at, path)
            took.append((time.perf_counter() - began) * 1_000)
            if len(page["items"]) != TEAMS:
                raise InvalidMeasurement(f"{path} has {len(page['items'])} teams instead of {TEAMS}")
        at.close()
        return took

    async def deletions(self, events: Sequence[int]) -> list[float]:
        """Deletes events; returns the milliseconds of each deletion.

        A deletion is measured from its request until the facts of the event and of all its teams are settled.
        """
        at, took = await wire.connect(self._tether.events), []
        for number in events:
            began = time.perf_counter()
            request = wire.get(self._tether.urls.api, f"/v1/entities/event/e{number}", self._tenant.key, "DELETE")
            status, answer = await at.exchange(request)
            if status != 202:
                raise InvalidMeasurement(f"the deletion of e{number} was not accepted: {status} {answer[:300]!r}")
            await self._wait_until_done(orjson.loads(answer)["id"])
            took.append((time.perf_counter() - began) * 1_000)
        at.close()
        return took

    async def _wait_until_done(self, operation: str) -> None:
        query = "select state, confirmed from tether.operations where tenant = $1 and id = $2"
        until = time.monotonic() + TIMEOUT
        while (row := await self._conn.fetchrow(query, self._tenant.name, operation)) is None or row["state"] != "done":
            if time.monotonic() > until:
                raise InvalidMeasurement(f"a deletion is not done after {TIMEOUT:.0f} s: {row}")
            await asyncio.sleep(0.005)
        if row["confirmed"] != TEAMS:
            raise InvalidMeasurement(f"of {TEAMS} teams, {row['confirmed']} were deleted")

    async def _get(self, at: Wire, path: str) -> Any:
        status, answer = await at.exchange(wire.get(self._tether.urls.api, path, self._tenant.key))
        if status != 200:
            raise InvalidMeasurement(f"{path} answered {status}: {answer[:300]!r}")
        return orjson.loads(answer)
