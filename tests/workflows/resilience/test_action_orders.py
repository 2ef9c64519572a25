"""Actions of owners on two events and a team in any order, end to end: facts, cascades, commands, facts again."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import orjson
import pytest

from model import facts
from model.fold import fold
from model.state import ModelState
from store.audit import fingerprint
from tests.support.eventually import INTERVAL, eventually
from tests.support.sampling import some
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack

ACTIONS = ("+A", "-A", "+B", "-B", "+t", ">t", "-t")
"""Create and delete the events A and B; create a team in A, move it to B, delete it."""
AT_ONCE = 16


def accepted(order: Iterable[str]) -> tuple[str, ...]:
    """Returns the actions that owners accept: they refuse to create what exists, and to change what does not."""
    live: set[str] = set()
    done = []
    for action in order:
        what = action[1]
        if (action[0] == "+") == (what in live):
            continue
        done.append(action)
        if action[0] != ">":
            live ^= {what}
    return tuple(done)


ORDERS = sorted({accepted(order) for order in permutations(ACTIONS)})


def test_there_are_734_orders_of_which_210_are_complete() -> None:
    assert len(ORDERS) == 734
    assert sum(len(order) == len(ACTIONS) for order in ORDERS) == 210


async def act(scenario: Scenario, action: str, n: int) -> None:
    """Calls the owner as its users do. It may refuse to change a team that a cascade has deleted before."""
    a, b, team = f"A{n}", f"B{n}", f"t{n}"
    event = {"A": a, "B": b}.get(action[1], "")
    method, path, body = {
        "+A": ("POST", "/events", {"id": a, "name": "A"}),
        "+B": ("POST", "/events", {"id": b, "name": "B"}),
        "-A": ("DELETE", f"/events/{event}", None),
        "-B": ("DELETE", f"/events/{event}", None),
        "+t": ("POST", "/teams", {"id": team, "name": "t", "event_id": a}),
        ">t": ("POST", f"/teams/{team}/moves", {"event_id": b}),
        "-t": ("DELETE", f"/teams/{team}", None),
    }[action]
    owner = "teams" if action[1] == "t" else "events"
    answer = await scenario.client[owner].request(method, path, json=body)
    assert answer.is_success or (owner == "teams" and answer.status_code == 410), answer.text


class OwnersFacts:
    """The facts that the owners stored with their changes. ``of_key``: how many there are about each entity.

    Each read takes only what is newer than the last one: many tests of conditions need it.
    """

    def __init__(self, folder: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self.of_key: Counter[str] = Counter()
        self._databases = [sqlite3.connect(folder / f"{name}.db") for name in ("events", "teams")]
        self._read = [0] * len(self._databases)

    def read(self) -> None:
        """Reads the facts that were stored since the last read."""
        for n, database in enumerate(self._databases):
            rows = "select position, event from outbox where position > ? order by position"
            for position, text in database.execute(rows, (self._read[n],)):
                self._read[n] = position
                self.events.append(orjson.loads(text))
                self.of_key[self.events[-1]["subject"]] += 1

    def close(self) -> None:
        """Closes the owners' databases."""
        for database in self._databases:
            database.close()


@pytest.fixture
def owners_facts(running_scenario: Scenario, tmp_path: Path) -> Iterator[OwnersFacts]:
    """The facts of the owners of a running scenario."""
    found = OwnersFacts(tmp_path)
    yield found
    found.close()


async def wait_until_quiet(scenario: Scenario, owners_facts: OwnersFacts, seconds: float = 240) -> None:
    """Waits until every fact of the owners is in the ledger, and no operation is open."""
    harness = scenario.harness
    query = """
        select (select count(*) from facts where tenant = $1 and source <> '/tether') as facts,
               (select count(*) from outbox where tenant = $1)
               + (select count(*) from operations
                  where tenant = $1 and state in ('waiting', 'requested', 'running')) as open
    """

    async def is_quiet() -> bool:
        row = await harness.pool.fetchrow(query, harness.tenant)
        assert row is not None
        owners_facts.read()
        return bool(row["open"] == 0 and row["facts"] == len(owners_facts.events))

    await eventually(is_quiet, seconds)


async def check_agreement(scenario: Scenario, owners_facts: OwnersFacts) -> ModelState:
    """Asserts that tables, model and the owner of teams agree and no link is broken; returns the model's state."""
    harness = scenario.harness
    state = fold(harness.catalog, [facts.read(harness.catalog, event) for event in owners_facts.events])
    async with harness.pool.acquire() as conn, conn.transaction(isolation="repeatable_read"):
        head = await conn.fetchval("select revision from tenant_revisions where tenant = $1", harness.tenant)
        tables = await fingerprint.of_tables(conn, harness.catalog, harness.tenant, head)
    assert tables == fingerprint.of_model(harness.catalog, state)
    folded = {
        key: what.data["event_id"] for (kind, key), what in state.entities.items() if kind == "team" and what.data
    }
    assert folded == await scenario.teams_at_owner()
    broken = [child for (_, child), link in state.links.items() if link.state == "broken"]
    assert broken == []
    return state


class Consequences:
    """Says when the consequences of actions are over, by one look for all orders that wait: as many looks as orders
    would take most of the processor."""

    def __init__(self, scenario: Scenario, owners_facts: OwnersFacts) -> None:
        self._harness = scenario.harness
        self._owners_facts = owners_facts
        self._waiting: dict[asyncio.Future[None], list[str]] = {}

    async def over(self, *keys: str) -> None:
        """Waits until every fact about these entities is recorded, and no outbox row about them is left."""
        found = asyncio.get_running_loop().create_future()
        self._waiting[found] = [*keys]
        await asyncio.wait_for(found, 120)

    async def look(self) -> None:
        """Looks again and again, until it is cancelled."""
        query = """
            select key, count(*), 0 from facts where tenant = $1 and key = any($2) group by key
            union all
            select key, 0, count(*) from outbox where tenant = $1 and key = any($2) group by key
        """
        while True:
            await asyncio.sleep(INTERVAL)
            if waiting := {**self._waiting}:
                keys = [key for keys in waiting.values() for key in keys]
                rows = await self._harness.pool.fetch(query, self._harness.tenant, keys)
                self._release(waiting, rows)

    def _release(self, waiting: Mapping[asyncio.Future[None], Sequence[str]], rows: Iterable[Any]) -> None:
        recorded, outbox_rows = Counter[str](), Counter[str]()
        for key, of_key, outbox in rows:
            recorded[key] += of_key
            outbox_rows[key] += outbox
        self._owners_facts.read()
        published = self._owners_facts.of_key
        for over, keys in waiting.items():
            if all(recorded[key] == published[key] and not outbox_rows[key] for key in keys):
                del self._waiting[over]
                if not over.done():
                    over.set_result(None)


async def play(scenario: Scenario, orders: Sequence[tuple[str, ...]], consequences: Consequences | None = None) -> None:
    """Plays each order with entities of its own, AT_ONCE at a time.

    ``consequences``: if given, those of each action are over before the next.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(n: int, order: tuple[str, ...]) -> None:
        async with slots:
            for action in order:
                await act(scenario, action, n)
                if consequences is not None:
                    await consequences.over(f"A{n}", f"B{n}", f"t{n}")

    await asyncio.gather(*(one(n, order) for n, order in enumerate(orders)))


def must_be_deleted(order: Sequence[str]) -> bool:
    """Whether the team must be deleted in the end, whatever the timing."""
    last = "B" if ">t" in order else "A"
    return "+t" in order and ("-t" in order or f"-{last}" in order)


def must_be_live(order: Sequence[str]) -> bool:
    """Whether the team must be live in the end: neither it nor an event that it was ever in was deleted."""
    places = ("A", "B") if ">t" in order else ("A",)
    return "+t" in order and "-t" not in order and not any(f"-{place}" in order for place in places)


def check_teams(orders: Sequence[Sequence[str]], state: ModelState) -> None:
    """Asserts that all teams are live that must be, and none that must not be."""
    live = {key for (kind, key), what in state.entities.items() if kind == "team" and what.state == "live"}
    assert {f"t{n}" for n, order in enumerate(orders) if must_be_live(order)} <= live
    assert not {f"t{n}" for n, order in enumerate(orders) if must_be_deleted(order)} & live


@pytest.mark.slow
async def test_concurrent_actions_in_any_order_agree_with_the_model(
    running_scenario: Scenario, owners_facts: OwnersFacts
) -> None:
    orders = some(ORDERS, 120)
    await play(running_scenario, orders)
    await wait_until_quiet(running_scenario, owners_facts)
    check_teams(orders, await check_agreement(running_scenario, owners_facts))
    by_tether = (await running_scenario.commands("teams")).values()
    assert sum(effects for _, effects in by_tether) > len(orders) // 10
    assert all(effects <= 1 for _, effects in by_tether)


@pytest.mark.slow
async def test_sequential_actions_in_any_order_agree_with_the_model(
    running_scenario: Scenario, owners_facts: OwnersFacts
) -> None:
    orders = some([order for order in ORDERS if len(order) == len(ACTIONS)], 40)
    consequences = Consequences(running_scenario, owners_facts)
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(consequences.look())
        await play(running_scenario, orders, consequences)
        looking.cancel()
    await wait_until_quiet(running_scenario, owners_facts)
    check_teams(orders, await check_agreement(running_scenario, owners_facts))
