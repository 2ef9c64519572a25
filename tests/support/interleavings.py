"""Runs concurrent tasks in every order of their statements, for tests of races in the database.

Each task gets a pool of its own, whose connections stop before the statements that matter: named queries, and the
commit of a transaction. An order is a sequence of choices which task goes on. A statement that waits for another
task's lock is found out by asking PostgreSQL, and counts as under way until that task has committed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from store.db.pool import Pool
from store.db.sql import queries

COMMIT = "commit"
INTERVAL = 0.001
"""Seconds between two looks at a statement that has not returned."""

Task = Callable[[Pool], Awaitable[None]]


@dataclass
class _Actor:
    """One task. ``gate``: set while it may go on; ``at``: the statement that it stopped before; empty: none."""

    stops: Collection[str]
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    at: str = ""
    pids: set[int] = field(default_factory=set)
    task: asyncio.Task[None] | None = None

    async def stop(self, statement: str) -> None:
        if statement in self.stops:
            self.at = statement
            await self.gate.wait()
            self.gate.clear()

    @property
    def done(self) -> bool:
        return self.task is not None and self.task.done()

    def go_on(self) -> None:
        self.at = ""
        self.gate.set()


class _Connection:
    """A connection that stops before the statements of its actor."""

    def __init__(self, conn: Any, actor: _Actor) -> None:
        self._conn = conn
        self._actor = actor
        actor.pids.add(conn.get_server_pid())

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._conn, name)
        if name not in ("fetch", "fetchrow", "fetchval", "execute"):
            return found

        async def stopping(text: str, *arguments: Any, **options: Any) -> Any:
            await self._actor.stop(_NAMES.get(text, text))
            return await found(text, *arguments, **options)

        return stopping

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[None]:
        transaction = self._conn.transaction(**options)
        await transaction.start()
        try:
            yield
            await self._actor.stop(COMMIT)
        except BaseException:
            await transaction.rollback()
            raise
        await transaction.commit()


class _Pool:
    """A pool whose connections stop before the statements of an actor."""

    def __init__(self, pool: Pool, actor: _Actor) -> None:
        self._pool = pool
        self._actor = actor

    @asynccontextmanager
    async def acquire(self, **options: Any) -> AsyncIterator[_Connection]:
        async with self._pool.acquire(**options) as conn:
            yield _Connection(conn, self._actor)


_NAMES = {query.text: query.name for query in queries().values()}


class _Order:
    """One order: follows ``choices``, then always the first task that can go on.

    ``widths``: how many could go on at each choice. ``trace``: the statements in the order in which they were begun.
    """

    def __init__(self, pool: Pool, choices: list[int]) -> None:
        self._pool = pool
        self._wanted = choices
        self.choices: list[int] = []
        self.widths: list[int] = []
        self.trace: list[str] = []

    async def run(self, tasks: dict[str, tuple[Task, Collection[str]]]) -> None:
        actors = {name: _Actor(stops) for name, (_, stops) in tasks.items()}
        for name, (task, _) in tasks.items():
            run: Any = task(cast(Pool, _Pool(self._pool, actors[name])))
            actors[name].task = asyncio.create_task(run)
        try:
            while not all(actor.done for actor in actors.values()):
                await self._settled(list(actors.values()))
                ready = [name for name, actor in actors.items() if actor.at]
                if ready:
                    self._choose(ready, actors)
            for actor in actors.values():
                await cast(asyncio.Task[None], actor.task)
        finally:
            for actor in actors.values():
                cast(asyncio.Task[None], actor.task).cancel()
            await asyncio.gather(*(cast(asyncio.Task[None], a.task) for a in actors.values()), return_exceptions=True)

    def _choose(self, ready: list[str], actors: dict[str, _Actor]) -> None:
        n = len(self.choices)
        choice = self._wanted[n] if n < len(self._wanted) else 0
        self.choices.append(choice)
        self.widths.append(len(ready))
        self.trace.append(f"{ready[choice]}: {actors[ready[choice]].at}")
        actors[ready[choice]].go_on()

    async def _settled(self, actors: list[_Actor]) -> None:
        """Waits until every task has stopped, has ended, or waits for a lock that another one holds."""
        while True:
            moving = [actor for actor in actors if not actor.done and not actor.at]
            if not moving:
                return
            if len(moving) < len([actor for actor in actors if not actor.done]):
                pids = [pid for actor in moving for pid in actor.pids]
                blocked = await self._pool.fetchval(_BLOCKED, pids)
                if blocked == len(moving) and all(not actor.at and not actor.done for actor in moving):
                    return
            await asyncio.sleep(INTERVAL)


_BLOCKED = "select count(*) from unnest($1::int[]) as p (pid) where cardinality(pg_blocking_pids(pid)) > 0"


async def explore(
    pool: Pool, prepare: Callable[[], Awaitable[tuple[dict[str, tuple[Task, Collection[str]]], Task]]]
) -> int:
    """Runs tasks in every order of their statements; returns how many orders there were.

    ``prepare`` makes the tasks of one order, on fresh rows: name → (task, the statements before which it stops), and a
    check of what they left. The error of an order that fails names its statements.
    """
    choices: list[int] | None = []
    orders = 0
    while choices is not None:
        tasks, check = await prepare()
        order = _Order(pool, choices)
        try:
            await order.run(tasks)
            await check(pool)
        except Exception as error:
            error.add_note("the order was:\n" + "\n".join(order.trace))
            raise
        orders += 1
        choices = _next(order)
    return orders


def _next(order: _Order) -> list[int] | None:
    """The choices of the next order, depth first; None: that was the last."""
    for n in reversed(range(len(order.choices))):
        if order.choices[n] + 1 < order.widths[n]:
            return [*order.choices[:n], order.choices[n] + 1]
    return None
