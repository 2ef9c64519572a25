"""Redrives, and ends, as by kill -9, after some transactions; the last one is committed, or is not.

Run as ``python -m tests.support.killed_redriver DATABASE TENANT RUN SIZE TRANSACTIONS WHEN``; ``WHEN``: ``before`` its
COMMIT, or ``after`` it.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import timedelta

from catalog import catalog as catalogs
from config import Limits
from facts.validation import Validator
from store.db.pool import Connection, create_pool
from store.quarantine.leaving import Left
from store.quarantine.redriving import Redriver
from store.quarantine.runs import QuarantineRun
from store.quarantine.trial import TriedEvent


async def main(database: str, tenant: str, id: str, size: str, transactions: str, when: str) -> None:
    """Ends with the exit code 9, or with 0 if the run has ended before."""
    pool, catalog = await create_pool(database, 2), catalogs.load()
    redriver = _Dying(pool, catalog, Validator(catalog, Limits()), timedelta.max)
    for left in range(int(transactions), 0, -1):
        redriver.dies = left == 1 and when == "before"
        if not (await redriver.step(tenant, id, int(size))).more:
            return
    os._exit(9)


class _Dying(Redriver):
    dies = False

    async def _left(self, conn: Connection, run: QuarantineRun, tried: Sequence[TriedEvent]) -> list[Left]:
        left = await super()._left(conn, run, tried)
        if self.dies:
            os._exit(9)
        return left


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
