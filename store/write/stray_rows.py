"""Which workflows have no row that says what they wait for, and how many of them were ended."""

from collections.abc import Sequence

from messages.workflow_ids import Subject
from store.db.pool import Pool, connection
from store.db.sql import execute, fetch_value
from store.write import outbox_dispatch


async def without_rows(pool: Pool, subjects: Sequence[Subject]) -> list[bool]:
    """For each workflow, whether it has no wait, no open operation and no outbox row."""
    async with connection(pool) as conn:
        found: list[bool] = await fetch_value(
            conn,
            "workflows_without_rows",
            tenants=[subject.tenant for subject in subjects],
            workflows=[subject.workflow for subject in subjects],
            abouts=[subject.about for subject in subjects],
            keys=[subject.key for subject in subjects],
        )
    return found


async def start_again(pool: Pool, subject: Subject) -> None:
    """Lets a workflow be started that was ended while a row of it may have been written."""
    await outbox_dispatch.unstarted(pool, [subject])


async def count(pool: Pool, *, signalled: int, terminated: int) -> None:
    """Adds to the numbers of stray workflows that were signalled and terminated, for the metrics."""
    async with connection(pool) as conn:
        await execute(conn, "count_strays", names=["signalled", "terminated"], counts=[signalled, terminated])
