"""What retention has trimmed of a tenant, and how far."""

from typing import NamedTuple

from store.db.pool import Pool, connection
from store.retention import horizon
from store.retention.horizon import Horizon
from store.retention.trimmed import TrimmedRows, trimmed


class RetentionStatus(NamedTuple):
    """The horizon of a tenant, and how many rows were trimmed since the beginning."""

    horizon: Horizon
    trimmed: list[TrimmedRows]


async def read(pool: Pool, tenant: str) -> RetentionStatus:
    """What was trimmed of a tenant. Raises Unavailable."""
    async with connection(pool) as conn:
        return RetentionStatus(await horizon.read(conn, tenant), await trimmed(conn, tenant))
