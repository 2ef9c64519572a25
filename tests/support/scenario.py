"""Connects the example owners of events and teams to the Tether of a harness, all in this process.

The relays of the owners publish to Tether, and its gateways send requests to the owners. Tests can disturb both ways.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import orjson

from errors import Unavailable
from examples.events.service import EVENTS
from examples.owner.misbehaviour.settings import Misbehaviour, MisbehaviourSettings
from examples.owner.service import OwnerService, application
from examples.teams.service import TEAMS
from messages.workflow_ids import Subject
from store.operations import deletions, moves, plans
from store.operations.operation_row import OperationRow, OperationState
from store.operations.plans import PlanRequest
from tests.support.events import Event
from tests.support.eventually import eventually
from tests.support.harness import Harness

OWNERS: Mapping[str, OwnerService] = {"events": EVENTS, "teams": TEAMS}


class OwnerTransport(httpx2.AsyncBaseTransport):
    """Passes requests of Tether's gateways to the owners, by host. ``requests``: (owner, method, path) of each.

    ``keys``: the Idempotency-Key of each request.
    ``away``: owners that answer 503 with a Retry-After of an hour.
    ``away_after``: owner → number of requests that it answers before it is away.
    ``lost``: owner → number of its next answers that are replaced by 503 after their effect.
    ``refused``: part of a path → (status, text) of the answer; the owner does not receive the request.
    """

    def __init__(self) -> None:
        self.owners: dict[str, httpx2.AsyncBaseTransport] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.keys: list[str] = []
        self.away: set[str] = set()
        self.away_after: dict[str, int] = {}
        self.lost: Counter[str] = Counter()
        self.refused: dict[str, tuple[int, str]] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Handles one request."""
        owner, path = request.url.host, request.url.path
        self.requests.append((owner, request.method, path))
        self.keys.append(request.headers["idempotency-key"])
        if owner in self.away_after:
            self.away_after[owner] -= 1
            self.away |= {owner} if self.away_after[owner] < 0 else set()
        if owner in self.away:
            return httpx2.Response(503, headers={"retry-after": "3600"})
        for part, (status, text) in self.refused.items():
            if part in path:
                return httpx2.Response(status, text=text)
        answer = await self.owners[owner].handle_async_request(request)
        if self.lost[owner] > 0:
            self.lost[owner] -= 1
            return httpx2.Response(503)
        return answer


class HoldingRelay:
    """Passes facts of the owners' relays to Tether; those of owners in ``holding`` go to ``held``, oldest first."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self.holding: set[str] = set()
        self.held: list[Event] = []

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self._take), base_url="http://tether")

    async def take(self, type: str, subject: str, count: int = 1) -> Event:
        """Waits until ``count`` facts of a type and subject are held; removes the last of them and returns it."""

        async def there() -> list[Event]:
            found = [e for e in self.held if (e["type"], e["subject"]) == (f"{type}.v1", subject)]
            return found if len(found) >= count else []

        found: Event = (await eventually(there))[count - 1]
        self.held.remove(found)
        return found

    async def release(self, *, backwards: bool = False) -> None:
        """Records all held facts, in reverse order if ``backwards``, and stops holding."""
        self.holding.clear()
        held, self.held = self.held, []
        for event in reversed(held) if backwards else held:
            await self._harness.record(event)

    async def _take(self, request: httpx2.Request) -> httpx2.Response:
        batch = orjson.loads(await request.aread())
        arriving = [event for event in batch if event["source"].strip("/") not in self.holding]
        if arriving:
            try:
                await self._harness.record(*{event["id"]: event for event in arriving}.values())
            except Unavailable:
                return httpx2.Response(503)
        self.held += [event for event in batch if event not in arriving]
        return httpx2.Response(202, json={"quarantined": []})


class Scenario:
    """A harness and its owners. ``client``: by owner, an HTTP client with which the users of the owner call it."""

    def __init__(self, harness: Harness, folder: Path, owners: Mapping[str, OwnerService] = OWNERS) -> None:
        self.harness = harness
        self.transport = OwnerTransport()
        self.relay = HoldingRelay(harness)
        self.client: dict[str, httpx2.AsyncClient] = {}
        self._folder = folder
        self._owners = owners
        self._misbehaviours = {name: Misbehaviour() for name in owners}
        harness.owners = harness.owners | {name: f"http://{name}" for name in owners}
        harness.transport = self.transport

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs the owners within the block. Tether's own processes are run by the harness."""
        async with AsyncExitStack() as stack:
            for name, owner in self._owners.items():
                path = self._folder / f"{name}.db"
                app = application(owner, path, self.relay.client(), misbehaviour=self._misbehaviours[name])
                await stack.enter_async_context(app.router.lifespan_context(app))
                transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
                self.transport.owners[name] = transport
                self.client[name] = await stack.enter_async_context(
                    httpx2.AsyncClient(transport=transport, base_url="http://owner")
                )
            yield

    def misbehave(self, owner: str, settings: MisbehaviourSettings) -> None:
        """Sets how an owner misbehaves from now on."""
        self._misbehaviours[owner].set(settings)

    async def create_events(self, *keys: str) -> None:
        """Creates events at their owner; returns once Tether has their facts."""
        for key in keys:
            await self.request_owner("events", "POST", "/events", id=key, name=key)
        await self.wait_for_entities("event", keys)

    async def create_teams(self, event: str | None, *keys: str) -> None:
        """Creates teams in an event, or in none, at their owner; returns once Tether has their facts."""
        for key in keys:
            await self.request_owner("teams", "POST", "/teams", id=key, name=key, event_id=event)
        await self.wait_for_entities("team", keys)

    async def request_owner(self, owner: str, method: str, path: str, **body: Any) -> None:
        """Calls an owner as its users do. The response must be successful."""
        answer = await self.client[owner].request(method, path, json=body or None)
        assert answer.is_success, answer.text

    async def entity_state(self, kind: str, key: str) -> str | None:
        """Returns the state of an entity in Tether: live, deleted or unknown; None if there is no row."""
        query = "select state from entities where tenant = $1 and kind = $2 and key = $3 and to_revision = $4"
        state: str | None = await self.harness.pool.fetchval(query, self.harness.tenant, kind, key, 2**63 - 1)
        return state

    async def wait_for_entities(self, kind: str, keys: Sequence[str], state: str = "live", seconds: float = 90) -> None:
        """Waits until all of these entities are in a state."""
        query = (
            "select count(*) from entities"
            " where tenant = $1 and kind = $2 and key = any($3) and state = $4 and to_revision = $5"
        )
        at = self.harness.tenant, kind, list(keys), state, 2**63 - 1

        async def all_are() -> bool:
            return bool(await self.harness.pool.fetchval(query, *at) == len(keys))

        await eventually(all_are, seconds)

    async def link_versions(self, team: str) -> list[tuple[str, int, int | None]]:
        """Returns (event, from revision, to revision or None) of every version of a team's link, oldest first."""
        rows = await self.harness.pool.fetch(
            "select parent, from_revision, nullif(to_revision, $3) as ends from links"
            " where tenant = $1 and relationship = 'event_team' and child = $2 order by from_revision",
            self.harness.tenant,
            team,
            2**63 - 1,
        )
        return [(row["parent"], row["from_revision"], row["ends"]) for row in rows]

    async def teams_at_owner(self, event: str | None = None) -> dict[str, str | None]:
        """Returns team → event, as read from the owner of the teams."""
        found: dict[str, str | None] = {}
        after = ""
        while True:
            query = {"limit": "1000", "after": after} | ({"event_id": event} if event else {})
            items = (await self.client["teams"].get("/teams", params=query)).json()["items"]
            found |= {item["id"]: item["event_id"] for item in items}
            if len(items) < 1000:
                return found
            after = items[-1]["id"]

    async def commands(self, owner: str) -> dict[str, tuple[int, int]]:
        """Returns Idempotency-Key → (attempts, effects), as the owner counted them. Only Tether sends such keys."""
        found: dict[str, tuple[int, int]] = {}
        after = ""
        while items := (await self.client[owner].get("/commands", params={"after": after})).json()["items"]:
            found |= {item["key"]: (item["attempts"], item["effects"]) for item in items}
            after = items[-1]["key"]
        return found

    async def effects(self, owner: str) -> int:
        """Returns how many commands of Tether had an effect."""
        return sum(effects for _, effects in (await self.commands(owner)).values())

    def move_subject(self, team: str) -> Subject:
        """Returns the subject of the workflow that moves a team."""
        return self.harness.subject("move", "event_team", team)

    def cascade_subject(self, key: str, kind: str = "event") -> Subject:
        """Returns the subject of the workflow that deletes an entity and its children."""
        return self.harness.subject("cascade", kind, key)

    async def request_move(self, team: str, event: str, key: str | None = None) -> str:
        """Requests a move; returns the id of the operation."""
        harness, relationship = self.harness, self.harness.relationship("event_team")
        row = await moves.start(
            harness.pool, harness.tenant, relationship, child=team, to=event, actor="test", idempotency_key=key
        )
        return row.id

    async def request_deletion(self, key: str, kind: str = "event", by: str | None = None) -> str:
        """Requests a deletion with the Idempotency-Key ``by``; returns the id of the operation."""
        harness = self.harness
        row = await deletions.start(
            harness.pool, harness.catalog, harness.tenant, kind, key, actor="test", idempotency_key=by
        )
        return row.id

    async def execute_plan(self, request: PlanRequest) -> OperationRow:
        """Creates a plan and executes it at once; returns the operation."""
        at = self.harness.pool, self.harness.catalog, self.harness.tenant
        plan = await plans.create(*at, request, "test")
        return await plans.execute(*at, plan.id, include_appeared=False, actor="test", idempotency_key=None)

    async def newest_cascade(self, key: str, kind: str = "event") -> Any:
        """Returns the newest cascade or deletion of an entity, or None."""
        record = await self.harness.pool.fetchrow(
            "select * from operations where tenant = $1 and workflow = 'cascade' and about = $2 and key = $3"
            " order by created_at desc limit 1",
            self.harness.tenant,
            kind,
            key,
        )
        return None if record is None else OperationRow(**record)

    async def wait_for_cascade(
        self, key: str, state: OperationState = "done", kind: str = "event", seconds: float = 90
    ) -> OperationRow:
        """Waits until the newest cascade or deletion of an entity is in a state; returns it."""

        async def there() -> Any:
            row = await self.newest_cascade(key, kind)
            return row if row is not None and row.state == state else None

        row: OperationRow = await eventually(there, seconds)
        return row

    async def progress(self, subject: Subject) -> Any:
        """Returns the answer of a workflow to the query ``progress``."""
        return await self.harness.workflow(subject).query("progress")

    async def wait_for_description(self, subject: Subject, part: str, seconds: float = 90) -> str:
        """Waits until a part is in the description that a workflow gives of itself; returns the description."""

        async def description() -> str:
            if not await self.harness.starter.runs(subject):
                return ""
            text = str((await self.progress(subject))["description"])
            return text if part in text else ""

        found: str = await eventually(description, seconds)
        return found
