"""Why a submission is not recorded that is to be recorded as a whole or not at all: by the position of each fact."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from catalog.catalog import Catalog
from errors import Conflict, Unacceptable
from facts.envelope import Entry
from store.db.pool import Pool, connection
from store.write.arrivals import FactKey
from store.write.settle import settle

POISON = (asyncpg.DataError, asyncpg.ProgramLimitExceededError, OverflowError, Unacceptable)
"""Errors of one valid fact. PostgreSQL cannot store a value: a text with a NUL, an entry too long for its index, a time
beyond its calendar. Or the fact would make its entity too large."""


class StrictRefusal(Conflict):
    """A strict submission that is not recorded, since an entry conflicts with what is. ``refused``: position of each
    entry that kept it from that → reason."""

    def __init__(self, refused: dict[int, str]) -> None:
        self.refused = refused
        super().__init__(refused[min(refused)])


class StrictFlaw(Unacceptable):
    """A strict submission with an entry that cannot be recorded as it is. ``refused``: as of StrictRefusal."""

    def __init__(self, refused: dict[int, str]) -> None:
        self.refused = refused
        super().__init__(refused[min(refused)])


def reason_of(error: Exception) -> str:
    """Why a fact cannot be stored, by one of the errors of POISON."""
    return error.reason if isinstance(error, Unacceptable) else f"cannot be stored: {error}"


def cause_of(error: Exception) -> tuple[str, str]:
    """The code and field of the same, for the quarantine."""
    return (error.code, error.field) if isinstance(error, Unacceptable) else ("not_storable", "")


async def find_flaw(
    pool: Pool, catalog: Catalog, tenant: str, entries: Sequence[Entry], tolerance: timedelta, error: Exception
) -> StrictFlaw:
    """Finds the first entry that cannot be stored, by beginnings of the submission that are written and rolled back.

    ``entries``: the submission; ``tolerance``: see `settle`; ``error``: with which the whole of it failed.
    """
    stored, failing = 0, len(entries)
    while failing - stored > 1:
        middle = (stored + failing) // 2
        found = await _try(pool, catalog, tenant, entries[:middle], tolerance)
        if found is None:
            stored = middle
        else:
            failing, error = middle, found
    return StrictFlaw({failing - 1: reason_of(error)})


async def _try(
    pool: Pool, catalog: Catalog, tenant: str, entries: Sequence[Entry], tolerance: timedelta
) -> Exception | None:
    """The error with which entries cannot be stored, or None. Nothing of them is recorded."""
    unique: dict[FactKey, Entry] = {}
    for entry in entries:
        unique.setdefault((entry.source, entry.id), entry)
    try:
        async with connection(pool) as conn:
            trial = conn.transaction()
            await trial.start()
            try:
                await settle(conn, catalog, tenant, list(unique.values()), "", tolerance=tolerance)
            finally:
                await trial.rollback()
    except POISON as error:
        return error
    return None
