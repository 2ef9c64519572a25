"""Operations whose declarations are not in force: they stay, with the reason, until those are back or somebody stops
them. A worker of another version may know them."""

from datetime import datetime

from store.db.pool import Pool, transaction
from store.db.sql import sql
from store.operations import operations
from store.operations.operations import Row
from store.write.settle import lock


async def hold(
    pool: Pool, tenant: str, workflow: str, about: str, key: str, reason: str, now: datetime
) -> tuple[Row | None, bool]:
    """Notes why what is open does not go on, and ends what was wished to stop or has expired.

    Returns the oldest that is left; and if none is, whether there is something newer to look at.
    """
    place = tenant, workflow, about, key
    left = []
    async with transaction(pool) as conn:
        revision, _ = await lock(conn, tenant)
        for row in await conn.fetch(sql("open_operations"), *place):
            if row["cancelled_at"] is not None:
                await operations.end(conn, tenant, row, "cancelled", reason)
            elif row["due"] is not None and row["due"] <= now:
                await operations.end(conn, tenant, row, "expired", reason)
            else:
                await conn.execute(sql("note_operation"), tenant, row["id"], reason, "", list(operations.OPEN))
                left.append(row)
        if left:
            return left[0], False
        return None, bool(await conn.fetchval(sql("forget_outbox_rows"), *place, revision))
