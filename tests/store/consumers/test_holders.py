"""Two holders of one consumer: in every order of takeovers and acknowledgements, one of them holds it."""

from collections.abc import Collection
from contextlib import suppress
from itertools import count

from errors import Fenced
from facts import tokens
from store.consumers import acknowledgements, offsets, registrations
from store.consumers.registrations import Registration
from store.db.pool import Pool
from tests.support.events import event
from tests.support.interleavings import COMMIT, Task, explore
from tests.support.recording import TENANT, FactRecorder

STOPS = {"begin_generation", "begin_generation_elsewhere", "acknowledge", COMMIT}
ANYTHING = Registration({}, None, 60, "")


async def test_holder_that_was_taken_over_moves_nothing_in_any_order(pool: Pool, facts: FactRecorder) -> None:
    for n in range(3):
        await facts.record(event("CategoryAdded", f"c{n}", 1, name="c"))
    names = (f"consumer{n}" for n in count())

    async def prepare() -> tuple[dict[str, tuple[Task, Collection[str]]], Task]:
        name = next(names)
        first = (await registrations.register(pool, TENANT, name, ANYTHING, "test")).consumer.generation
        moved: list[tuple[int, int, bool]] = []
        taken_over: list[int] = []

        async def say(pool: Pool, generation: int, revision: int) -> None:
            offset = offsets.read(TENANT, tokens.token(TENANT, revision))
            accepted, late = False, generation == first and bool(taken_over)
            with suppress(Fenced):
                await acknowledgements.acknowledge(pool, TENANT, name, generation, offset)
                accepted = True
            assert not (accepted and late)
            moved.append((generation, revision, accepted))

        async def old(pool: Pool) -> None:
            await say(pool, first, 1)
            await say(pool, first, 3)

        async def new(pool: Pool) -> None:
            taken = await registrations.begin_generation(pool, TENANT, name, "new", None)
            taken_over.append(taken.generation)
            await say(pool, taken.generation, 2)

        async def check(pool: Pool) -> None:
            found = await registrations.find(pool, TENANT, name)
            accepted = [revision for _, revision, yes in moved if yes]
            assert found.generation > first
            assert found.position_revision == max(accepted) + 1
            refused = [(generation, revision) for generation, revision, yes in moved if not yes]
            assert all(generation == first for generation, _ in refused)
            assert 2 in accepted

        return {"old": (old, STOPS), "new": (new, STOPS)}, check

    assert await explore(pool, prepare) > 5


async def test_reset_is_never_undone_by_the_former_holder_in_any_order(pool: Pool, facts: FactRecorder) -> None:
    for n in range(2):
        await facts.record(event("CategoryAdded", f"c{n}", 1, name="c"))
    names = (f"consumer{n}" for n in count())

    async def prepare() -> tuple[dict[str, tuple[Task, Collection[str]]], Task]:
        name = next(names)
        first = (await registrations.register(pool, TENANT, name, ANYTHING, "test")).consumer.generation

        async def old(pool: Pool) -> None:
            offset = offsets.read(TENANT, tokens.token(TENANT, 2))
            with suppress(Fenced):
                await acknowledgements.acknowledge(pool, TENANT, name, first, offset)

        async def reset(pool: Pool) -> None:
            await registrations.begin_generation(pool, TENANT, name, "reset", "-1")

        async def check(pool: Pool) -> None:
            assert (await registrations.find(pool, TENANT, name)).lag_revisions == 2

        return {"old": (old, STOPS), "reset": (reset, STOPS)}, check

    assert await explore(pool, prepare) > 1


async def test_two_that_take_over_or_register_get_different_generations(pool: Pool, facts: FactRecorder) -> None:
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    names = (f"consumer{n}" for n in count())
    stops = {"lock_tenant_revision", "add_consumer", "begin_generation", COMMIT}

    async def prepare() -> tuple[dict[str, tuple[Task, Collection[str]]], Task]:
        name = next(names)
        created: list[bool] = []
        generations: list[int] = []

        async def put(pool: Pool) -> None:
            found = await registrations.register(pool, TENANT, name, ANYTHING, "test")
            created.append(found.created)

        async def take(pool: Pool) -> None:
            await put(pool)
            generations.append((await registrations.begin_generation(pool, TENANT, name, "x", None)).generation)

        async def check(pool: Pool) -> None:
            found = await registrations.find(pool, TENANT, name)
            assert sorted(created) == [False, True]
            assert found.generation == generations[-1]

        return {"one": (take, stops), "other": (put, stops)}, check

    assert await explore(pool, prepare) > 1


async def test_acknowledgements_wait_for_no_writer_and_open_no_revision(pool: Pool, facts: FactRecorder) -> None:
    revision = await facts.record(event("CategoryAdded", "c", 1, name="c"))
    held = (await registrations.register(pool, TENANT, "c", ANYTHING, "test")).consumer
    async with pool.acquire() as writer, writer.transaction():
        await writer.execute("select * from tenant_revisions for update")
        await writer.execute("select * from consumer_generations for update")
        offset = offsets.read(TENANT, tokens.token(TENANT, revision))
        await acknowledgements.acknowledge(pool, TENANT, "c", held.generation, offset)
    found = await registrations.find(pool, TENANT, "c")
    assert (found.state, found.lag_revisions) == ("current", 0)
    assert await pool.fetchval("select max(revision) from revisions") == revision


async def test_acknowledgements_change_no_index(pool: Pool, facts: FactRecorder) -> None:
    held = (await registrations.register(pool, TENANT, "c", ANYTHING, "test")).consumer
    for n in range(20):
        revision = await facts.record(event("CategoryAdded", f"c{n}", 1, name="c"))
        offset = offsets.read(TENANT, tokens.token(TENANT, revision))
        await acknowledgements.acknowledge(pool, TENANT, "c", held.generation, offset)
    async with pool.acquire() as conn:
        await conn.execute("select pg_stat_force_next_flush()")
    found = await pool.fetchrow(
        "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'consumers' and n_tup_upd > 0"
    )
    assert found is None or found["n_tup_upd"] == found["n_tup_hot_upd"]
