"""The queue of workflows to start or signal: claimed, dispatched, checked. Any number of dispatchers share it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from store.db.pool import Pool, connection
from store.db.sql import execute, fetch_rows


class OfWorkflow(Protocol):
    """A row that belongs to a workflow: tenant, kind of workflow, what it is about, and the key of the entity."""

    @property
    def tenant(self) -> str: ...
    @property
    def workflow(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def key(self) -> str: ...


class OutboxRow(NamedTuple):
    """A workflow to start or signal because of a fact. ``owner``: the one its instance is waiting for, if it is."""

    tenant: str
    workflow: str
    about: str
    key: str
    source: str
    id: str
    fact: str
    revision: int
    owner: str | None


class DueWait(NamedTuple):
    """A wait whose grace period is over, or whose deadline, and which needs a workflow now."""

    tenant: str
    workflow: str
    about: str
    key: str
    owner: str


class WorkflowToCheck(NamedTuple):
    """A workflow that should be open. ``at``: when it was last dispatched, started or found running. ``late``: a
    deadline has passed at which it should have looked at its rows."""

    tenant: str
    workflow: str
    about: str
    key: str
    at: datetime
    late: bool


async def claim(pool: Pool, limit: int) -> list[OutboxRow]:
    """Claims up to ``limit`` outbox rows, oldest first; no other dispatcher gets them for the next 10 seconds."""
    async with connection(pool) as conn:
        return await fetch_rows(conn, OutboxRow, "claim_outbox_rows", size=limit)


async def dispatched(pool: Pool, rows: Sequence[OutboxRow]) -> None:
    """Marks outbox rows as dispatched. They stay until their workflows have read the facts."""
    async with connection(pool) as conn:
        await execute(conn, "mark_dispatched", **_workflows(rows), **_facts(rows))


async def release(pool: Pool, rows: Sequence[OutboxRow]) -> None:
    """Releases claimed rows that could not be dispatched, so that any dispatcher can claim them at once."""
    async with connection(pool) as conn:
        await execute(conn, "release_outbox_rows", **_workflows(rows), **_facts(rows))


async def claim_waits(pool: Pool, limit: int, open_waits: int) -> list[DueWait]:
    """Claims up to ``limit`` waits that need a workflow and have none; they count as started from now on.

    A tenant that has ``open_waits`` of them gets no more, except for overdue ones, whose owner has to be notified.
    """
    async with connection(pool) as conn:
        return await fetch_rows(conn, DueWait, "claim_waits", size=limit, open_waits=open_waits)


async def unstarted(pool: Pool, rows: Sequence[OfWorkflow]) -> None:
    """Marks workflows as to be started again: they could not be started, or are not running any more."""
    async with connection(pool) as conn:
        await execute(conn, "unstart_waits", **_workflows(rows))
        await execute(conn, "undispatch_outbox_rows", **_workflows(rows))


async def to_check(pool: Pool, seconds: float, limit: int) -> list[WorkflowToCheck]:
    """Up to ``limit`` workflows that were dispatched, started or found running more than ``seconds`` ago."""
    async with connection(pool) as conn:
        return await fetch_rows(conn, WorkflowToCheck, "workflows_to_check", seconds=seconds, size=limit)


async def checked(pool: Pool, rows: Sequence[OfWorkflow]) -> None:
    """Marks workflows as running, so that they are not checked again soon."""
    async with connection(pool) as conn:
        await execute(conn, "mark_checked", **_workflows(rows))


def _workflows(rows: Sequence[OfWorkflow]) -> dict[str, list[str]]:
    return {
        "tenants": [row.tenant for row in rows],
        "workflows": [row.workflow for row in rows],
        "abouts": [row.about for row in rows],
        "keys": [row.key for row in rows],
    }


def _facts(rows: Sequence[OutboxRow]) -> dict[str, list[str]]:
    return {"sources": [row.source for row in rows], "ids": [row.id for row in rows]}
