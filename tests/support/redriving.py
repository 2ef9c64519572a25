"""Quarantines events as of an earlier catalog, and redrives or discards them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from config import Limits
from facts.ingest import Rejection
from facts.validation import Validator
from store.db.pool import connection
from store.quarantine import runs
from store.quarantine.listings import EventFilter
from store.quarantine.redriving import Redriver
from store.quarantine.runs import Action, QuarantineRun
from tests.support.events import Event
from tests.support.quarantined import keep
from tests.support.tenants import StoreTenant

EVERY = EventFilter()


def unknown(event: Event) -> Rejection:
    """The event as it is quarantined while no contract declares its type."""
    type = event["type"]
    reason = f"unknown type: no contract declares {type}"
    return Rejection(event["source"], event["id"], type, reason, orjson.dumps(event), "unknown_type", "type")


@dataclass
class Redrives:
    """Runs on the quarantine of one tenant, without a workflow."""

    tenant: StoreTenant
    redriver: Redriver = field(init=False)

    def __post_init__(self) -> None:
        validator = Validator(self.tenant.catalog, Limits())
        self.redriver = Redriver(self.tenant.pool, self.tenant.catalog, validator, timedelta.max)

    async def quarantine(self, *events: Event, publisher: str = "") -> None:
        await keep(self.tenant.pool, self.tenant.name, *map(unknown, events), publisher=publisher)

    async def request(
        self, action: Action = "redrive", wanted: EventFilter = EVERY, event: int | None = None
    ) -> QuarantineRun:
        """Plans and requests a run."""
        async with connection(self.tenant.pool) as conn:
            plan = await runs.plan(conn, self.tenant.name, action, wanted, event)
        return await runs.request(self.tenant.pool, self.tenant.name, plan, actor="test", idempotency_key=None)

    async def finish(self, run: QuarantineRun, size: int = 500) -> QuarantineRun:
        """Processes what is left; returns the row as it is then."""
        while (await self.redriver.step(self.tenant.name, run.id, size)).more:
            pass
        return await self.find(run)

    async def run(
        self, action: Action = "redrive", wanted: EventFilter = EVERY, *, event: int | None = None, size: int = 500
    ) -> QuarantineRun:
        """Requests a run and processes all of it."""
        return await self.finish(await self.request(action, wanted, event), size)

    async def find(self, run: QuarantineRun) -> QuarantineRun:
        async with connection(self.tenant.pool) as conn:
            return await runs.find(conn, self.tenant.name, run.action, run.id)

    async def outcomes(self, run: QuarantineRun) -> list[tuple[str, str]]:
        """Returns (id of the fact, outcome) of each event, in the order in which they were processed."""
        async with connection(self.tenant.pool) as conn:
            found, _ = await runs.events_page(conn, self.tenant.name, run.id, None, None, 1000)
        return [(one.event_id or "", one.outcome) for one in found]

    async def left(self) -> list[tuple[str, str, str]]:
        """Returns (id of the fact, code, field) of what is in quarantine, by arrival."""
        query = "select event_id, code, field from quarantine where tenant = $1 order by id"
        return [tuple(row) for row in await self.tenant.pool.fetch(query, self.tenant.name)]

    async def ledger(self) -> list[str]:
        """Returns the ids of all facts, in the order in which they were recorded."""
        rows: Sequence[Any] = await self.tenant.pool.fetch(
            "select id from facts where tenant = $1 order by position", self.tenant.name
        )
        return [row["id"] for row in rows]
