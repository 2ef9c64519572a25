"""One change at a time, among however many links there are, and one read."""

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
from bench.errors import Spoilt

TEAMS = 50
TIMEOUT = 30.0
"""Seconds until one deletion must be over."""


class Single:
    """``events`` are numbers, as the recipe of that name has them. What moves or is deleted is not to be read later."""

    def __init__(self, tether: MeasuredTether, tenant: Tenant, conn: Connection) -> None:
        self._tether = tether
        self._tenant = tenant
        self._conn = conn
        self._dice = random.Random(1)
        self._sequence = 1

    async def moves(self, events: Sequence[int], times: int) -> list[float]:
        """Milliseconds of each: a team's fact that it moved, then a read that shows it there."""
        at, took = await wire.connect(self._tether.events), []
        for _ in range(times):
            since, to = self._dice.sample(events, 2)
            # The last team of an event moves, over and over; the others are counted elsewhere.
            team, self._sequence = f"t{since}-{TEAMS}", self._sequence + 1
            moved = event("/teams", "TeamMoved.v1", team, {"event_id": f"e{to}"}, self._sequence)
            began = time.perf_counter()
            _, token = await publish(at, self._tether, self._tenant, moved)
            page = await self._get(at, f"/v1/relationships/event_team/links?child={team}&at_least={token}")
            took.append((time.perf_counter() - began) * 1_000)
            if [link["parent"] for link in page["items"]] != [f"e{to}"]:
                raise Spoilt(f"{team} moved to e{to}, and is read as {page['items']}")
        at.close()
        return took

    async def reads(self, events: Sequence[int], times: int) -> list[float]:
        """Milliseconds of each: the teams of one event."""
        at, took = await wire.connect(self._tether.events), []
        for _ in range(times):
            path = f"/v1/relationships/event_team/links?parent=e{self._dice.choice(events)}&limit=100"
            began = time.perf_counter()
            page = await self._get(at, path)
            took.append((time.perf_counter() - began) * 1_000)
            if len(page["items"]) != TEAMS:
                raise Spoilt(f"{path} has {len(page['items'])} teams instead of {TEAMS}")
        at.close()
        return took

    async def deletions(self, events: Sequence[int]) -> list[float]:
        """Milliseconds of each: from the request for it until the facts of the event and all its teams are settled."""
        at, took = await wire.connect(self._tether.events), []
        for number in events:
            began = time.perf_counter()
            request = wire.get(self._tether.urls.api, f"/v1/entities/event/e{number}", self._tenant.key, "DELETE")
            status, answer = await at.ask(request)
            if status != 202:
                raise Spoilt(f"the deletion of e{number} was not taken: {status} {answer[:300]!r}")
            await self._over(orjson.loads(answer)["id"])
            took.append((time.perf_counter() - began) * 1_000)
        at.close()
        return took

    async def _over(self, operation: str) -> None:
        query = "select state, confirmed from tether.operations where tenant = $1 and id = $2"
        until = time.monotonic() + TIMEOUT
        while (row := await self._conn.fetchrow(query, self._tenant.name, operation)) is None or row["state"] != "done":
            if time.monotonic() > until:
                raise Spoilt(f"a deletion is not over after {TIMEOUT:.0f} s: {row}")
            await asyncio.sleep(0.005)
        if row["confirmed"] != TEAMS:
            raise Spoilt(f"of {TEAMS} teams, {row['done']} were deleted")

    async def _get(self, at: Wire, path: str) -> Any:
        status, answer = await at.ask(wire.get(self._tether.urls.api, path, self._tenant.key))
        if status != 200:
            raise Spoilt(f"{path} answered {status}: {answer[:300]!r}")
        return orjson.loads(answer)
