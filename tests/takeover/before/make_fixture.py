"""Writes the fixture: ``python -m tests.takeover.make_fixture``, run with the version whose data is to be taken over.

The scenario is played, stopped in the middle, and dumped. Then the same servers continue, with the workflows that were
stopped: the end state that they reach is the one that a newer version must reach from the dump.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError

import temporal
from devstack.testing import temporary_postgres, temporary_temporal
from relationships import catalog as catalogs
from relationships.catalog import Catalog
from store.migrate import migrate
from store.pool import create_pool
from tests.replay.record import FEW
from tests.takeover import after_takeover, dump, end_state, finished, rows, undispatched, unfinished
from tests.takeover.environment import Environment, numbered_ids
from tests.takeover.load import EXPECTED, LAST_MIGRATION
from tests.workflows.conftest import SETTINGS
from tests.workflows.house import until

RETRY = timedelta(hours=2)
"""Longer than the longest pause before an unavailable owner is asked again."""
UNCHANGED = 3.0
"""Seconds without a change after which a state is the end state."""
PATIENCE = 120.0
"""Seconds."""


async def main() -> None:
    """Takes about half a minute."""
    async with _servers() as (url, client), AsyncExitStack() as stack:
        declared = catalogs.load()
        pool = await create_pool(url, 8)
        stack.push_async_callback(pool.close)
        await migrate(pool, declared)
        if await rows.last_migration(pool) != LAST_MIGRATION:
            raise SystemExit(f"This version has other migrations than {LAST_MIGRATION}: see load.LAST_MIGRATION.")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = Environment(pool, declared, client, folder)
        async with environment.running():
            await _play(environment, declared)
        await dump.database(url, await pool.fetchval("select now()::text"))
        dump.owners(environment)
        await dump.histories(client)
        async with environment.running():
            EXPECTED.write_text(end_state.text(await _continue(environment)))


@asynccontextmanager
async def _servers() -> AsyncIterator[tuple[str, Client]]:
    """PostgreSQL and a Temporal whose workflows continue as new after few events, and whose clocks can be advanced."""
    settings = (SETTINGS | FEW).items()
    extra = [word for name, value in settings for word in ("--dynamic-config-value", f"{name}={value}")]
    async with temporary_postgres() as postgres, temporary_temporal(extra=extra) as server:
        yield postgres.url, await Client.connect(server.address, plugins=[temporal.plugin()])


async def _play(environment: Environment, declared: Catalog) -> None:
    main = environment.main
    with numbered_ids("1"):
        main.use(unfinished.with_move_of_flights(declared))
        async with environment.open():
            await finished.play(environment)
            await unfinished.play(environment)
            await _idle(environment)
        main.use(unfinished.without_deletion_of_channels(declared))
        async with environment.open():
            await unfinished.play_undeclared(environment, declared)
            await _idle(environment)
        main.use(declared)
        await undispatched.play(environment)
        await environment.close()


async def _continue(environment: Environment) -> rows.State:
    """The end state."""
    environment.network.repair()
    await environment.delivery.deliver_held()
    with numbered_ids("2"):
        async with environment.open():
            await after_takeover.continue_work(environment)
            await _skip_pauses(environment)
            state = await _unchanged(environment)
    await environment.close()
    return state


async def _skip_pauses(environment: Environment) -> None:
    async for execution in environment.main.client.list_workflows("ExecutionStatus = 'Running'"):
        with suppress(RPCError):  # it has closed
            await environment.main.skip_time(execution.id, RETRY)


async def _unchanged(environment: Environment) -> rows.State:
    clock = asyncio.get_running_loop().time
    state, since = await end_state.read(environment), clock()
    async with asyncio.timeout(PATIENCE):
        while clock() - since < UNCHANGED:
            await asyncio.sleep(0.2)
            now = await end_state.read(environment)
            if now != state:
                state, since = now, clock()
    return state


async def _idle(environment: Environment) -> None:
    """Returns when all intents are dispatched, and no workflow task is pending."""

    async def idle() -> bool:
        return not await rows.not_dispatched(environment.main.pool) and not await environment.busy()

    await until(idle)


if __name__ == "__main__":
    asyncio.run(main())
