"""Events and teams as they are: the example owners in this process, whose relays publish into a harness's Tether, and
whom its gateways ask. What goes on between them can be disturbed."""

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
    """From Tether's gateways to the owners, by host. ``asked``: (owner, method, path) of every request.

    ``away``: owners that answer 503, and want to be left alone for an hour.
    ``patience``: how many requests an owner answers before it is away.
    ``lost``: how many answers of an owner are lost after their effect.
    ``refused``: a part of a path → what is answered without the owner's hearing of it.
    """

    def __init__(self) -> None:
        self.owners: dict[str, httpx2.AsyncBaseTransport] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.keys: list[str] = []
        self.away: set[str] = set()
        self.patience: dict[str, int] = {}
        self.lost: Counter[str] = Counter()
        self.refused: dict[str, tuple[int, str]] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request."""
        owner, path = request.url.host, request.url.path
        self.asked.append((owner, request.method, path))
        self.keys.append(request.headers["idempotency-key"])
        if owner in self.patience:
            self.patience[owner] -= 1
            self.away |= {owner} if self.patience[owner] < 0 else set()
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
    """From the owners' relays to Tether. What comes from ``holding`` is taken and kept in ``held``, oldest first."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self.holding: set[str] = set()
        self.held: list[Event] = []

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self._take), base_url="http://tether")

    async def take(self, type: str, subject: str, count: int = 1) -> Event:
        """The last of that many facts that are held, once they are there; no longer among them."""

        async def there() -> list[Event]:
            found = [e for e in self.held if (e["type"], e["subject"]) == (f"{type}.v1", subject)]
            return found if len(found) >= count else []

        found: Event = (await eventually(there))[count - 1]
        self.held.remove(found)
        return found

    async def release(self, *, backwards: bool = False) -> None:
        """All that is held arrives, and nothing is held any more."""
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
    """A harness, and its owners by name: ``client`` asks one as its users do."""

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
        """The owners run within it; Tether's own processes do not, unless the harness is open."""
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
        """From now on."""
        self._misbehaviours[owner].set(settings)

    async def create_events(self, *keys: str) -> None:
        """Are announced, and known."""
        for key in keys:
            await self.request_owner("events", "POST", "/events", id=key, name=key)
        await self.wait_for_entities("event", keys)

    async def create_teams(self, event: str | None, *keys: str) -> None:
        """Are registered for an event, and known."""
        for key in keys:
            await self.request_owner("teams", "POST", "/teams", id=key, name=key, event_id=event)
        await self.wait_for_entities("team", keys)

    async def request_owner(self, owner: str, method: str, path: str, **body: Any) -> None:
        """Something that an owner does for its own users."""
        answer = await self.client[owner].request(method, path, json=body or None)
        assert answer.is_success, answer.text

    async def entity_state(self, kind: str, key: str) -> str | None:
        """What Tether knows of an entity: live, deleted, unknown; None: nothing."""
        query = "select state from entities where tenant = $1 and kind = $2 and key = $3 and to_revision = $4"
        state: str | None = await self.harness.pool.fetchval(query, self.harness.tenant, kind, key, 2**63 - 1)
        return state

    async def wait_for_entities(self, kind: str, keys: Sequence[str], state: str = "live", seconds: float = 90) -> None:
        """Once Tether knows them to be in this state."""
        query = (
            "select count(*) from entities"
            " where tenant = $1 and kind = $2 and key = any($3) and state = $4 and to_revision = $5"
        )
        at = self.harness.tenant, kind, list(keys), state, 2**63 - 1

        async def all_are() -> bool:
            return bool(await self.harness.pool.fetchval(query, *at) == len(keys))

        await eventually(all_are, seconds)

    async def link_versions(self, team: str) -> list[tuple[str, int, int | None]]:
        """(event, from revision, to revision or None) of every link of a team, oldest first."""
        rows = await self.harness.pool.fetch(
            "select parent, from_revision, nullif(to_revision, $3) as ends from links"
            " where tenant = $1 and relationship = 'event_team' and child = $2 order by from_revision",
            self.harness.tenant,
            team,
            2**63 - 1,
        )
        return [(row["parent"], row["from_revision"], row["ends"]) for row in rows]

    async def teams_at_owner(self, event: str | None = None) -> dict[str, str | None]:
        """team → event, as their owner says."""
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
        """Idempotency-Key → (attempts, effects), as the owner counted them; those of Tether alone have keys."""
        found: dict[str, tuple[int, int]] = {}
        after = ""
        while items := (await self.client[owner].get("/commands", params={"after": after})).json()["items"]:
            found |= {item["key"]: (item["attempts"], item["effects"]) for item in items}
            after = items[-1]["key"]
        return found

    async def effects(self, owner: str) -> int:
        """How many commands of Tether's came to something."""
        return sum(effects for _, effects in (await self.commands(owner)).values())

    def move_subject(self, team: str) -> Subject:
        """What the workflow of a team's moves is about."""
        return self.harness.subject("move", "event_team", team)

    def cascade_subject(self, key: str, kind: str = "event") -> Subject:
        """What the workflow of the end of an event is about."""
        return self.harness.subject("cascade", kind, key)

    async def request_move(self, team: str, event: str, key: str | None = None) -> str:
        """Wishes for a move; the operation's id."""
        harness, relationship = self.harness, self.harness.relationship("event_team")
        row = await moves.start(
            harness.pool, harness.tenant, relationship, child=team, to=event, actor="test", idempotency_key=key
        )
        return row.id

    async def request_deletion(self, key: str, kind: str = "event", by: str | None = None) -> str:
        """Wishes for a deletion, ``by`` an idempotency key; the operation's id."""
        harness = self.harness
        row = await deletions.start(
            harness.pool, harness.catalog, harness.tenant, kind, key, actor="test", idempotency_key=by
        )
        return row.id

    async def execute_plan(self, wish: PlanRequest) -> OperationRow:
        """Has a plan made and executed at once; the operation."""
        at = self.harness.pool, self.harness.catalog, self.harness.tenant
        plan = await plans.create(*at, wish, "test")
        return await plans.execute(*at, plan.id, include_appeared=False, actor="test", idempotency_key=None)

    async def newest_cascade(self, key: str, kind: str = "event") -> Any:
        """The newest operation that sees to the end of an entity; None: there is none."""
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
        """The same, once it is in this state."""

        async def there() -> Any:
            row = await self.newest_cascade(key, kind)
            return row if row is not None and row.state == state else None

        row: OperationRow = await eventually(there, seconds)
        return row

    async def progress(self, subject: Subject) -> Any:
        """What its workflow answers."""
        return await self.harness.workflow(subject).query("progress")

    async def wait_for_description(self, subject: Subject, part: str, seconds: float = 90) -> str:
        """What its workflow says, once that has this in it."""

        async def said() -> str:
            if not await self.harness.starter.runs(subject):
                return ""
            words = str((await self.progress(subject))["description"])
            return words if part in words else ""

        words: str = await eventually(said, seconds)
        return words
