"""Puts events into quarantine as the recorder does."""

from collections.abc import Sequence

from config import QuarantineLimits
from facts.ingest import Rejection
from store.db.pool import Pool, transaction
from store.write import quarantine
from store.write.quarantine import Sender


async def keep(
    pool: Pool,
    tenant: str,
    *rejected: Rejection,
    sender: str = "test",
    publisher: str = "",
    limits: QuarantineLimits | None = None,
) -> Sequence[int]:
    """Quarantines events; returns the positions of those that are not kept."""
    events = [(rejection, Sender(sender, publisher)) for rejection in rejected]
    async with transaction(pool) as conn:
        return await quarantine.keep(conn, tenant, events, limits or QuarantineLimits())
