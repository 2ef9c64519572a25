"""The embedded PostgreSQL."""

import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from devstack import processes
from devstack.errors import DataUnusable
from devstack.ports import free_port
from devstack.postgres import Postgres
from devstack.testing import temporary_postgres

pytestmark = pytest.mark.stack

Make = Callable[[], Postgres]


@pytest.fixture
async def make(folder: Path) -> AsyncIterator[Make]:
    """Makes servers on the same cluster, each on another port."""
    made: list[Postgres] = []

    def one() -> Postgres:
        made.append(Postgres(folder / "postgres", free_port(), folder / "postgres.log", durable=False))
        return made[-1]

    yield one
    for postgres in made:
        await postgres.stop()


async def query_value(postgres: Postgres, query: str) -> object:
    connection = await asyncpg.connect(postgres.url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_server_has_c_collation_utf8_and_durable_commits(folder: Path) -> None:
    async with temporary_postgres(durable=True) as postgres:
        assert await query_value(postgres, "select datcollate from pg_database where datname = 'tether'") == "C"
        for name, value in (("server_encoding", "UTF8"), ("fsync", "on"), ("synchronous_commit", "on")):
            assert await query_value(postgres, f"show {name}") == value


async def test_server_listens_on_loopback_only_and_requires_the_password() -> None:
    async with temporary_postgres() as postgres:
        assert await query_value(postgres, "show listen_addresses") == "127.0.0.1"
        assert await query_value(postgres, "show unix_socket_directories") == ""
        assert Path(str(postgres.data) + ".password").stat().st_mode & 0o777 == 0o600
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://tether:guess@127.0.0.1:{postgres.port}/tether")


async def test_rows_outlive_a_stop_and_no_process_is_left(make: Make) -> None:
    first = make()
    await first.start()
    await query_value(first, "create table kept as select 1 as value")
    await first.stop()
    assert processes.serving(first.data) == set()
    second = make()
    await second.start()
    assert await query_value(second, "select value from kept") == 1
    await second.stop()


@pytest.mark.faults
async def test_server_starts_after_a_kill_while_old_backends_still_run(make: Make) -> None:
    first = make()
    await first.start()
    await query_value(first, "create table kept as select 1 as value")
    busy = await asyncpg.connect(first.url)
    backend = await busy.fetchval("select pg_backend_pid()")
    # A stopped process cannot notice that its postmaster has ended.
    os.kill(backend, signal.SIGSTOP)
    os.kill(first.pid, signal.SIGKILL)
    second = make()
    await second.start()
    assert backend not in processes.serving(second.data)
    assert await query_value(second, "select value from kept") == 1
    await second.stop()
    busy.terminate()
    await first.stop()


@pytest.mark.faults
async def test_server_starts_when_the_pid_file_names_an_unrelated_process(make: Make) -> None:
    first = make()
    await first.start()
    pid_file = first.data / "postmaster.pid"
    content = pid_file.read_text()
    await first.stop()
    pid_file.write_text(content.replace(str(content.split()[0]), str(os.getppid()), 1))
    second = make()
    await second.start()
    await second.stop()


@pytest.mark.faults
async def test_incomplete_cluster_is_created_again(make: Make) -> None:
    postgres = make()
    half = postgres.data.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    await postgres.start()
    assert await query_value(postgres, "select 1") == 1
    await postgres.stop()


async def test_lost_password_is_replaced_at_the_next_start(make: Make) -> None:
    postgres = make()
    await postgres.start()
    await postgres.stop()
    postgres.data.with_name("postgres.password").unlink()
    await postgres.start()
    assert await query_value(postgres, "select 1") == 1
    await postgres.stop()


async def test_data_of_another_version_is_refused_with_both_named(make: Make) -> None:
    postgres = make()
    postgres.data.mkdir()
    (postgres.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(DataUnusable, match=r"was made by PostgreSQL 14, and this is 18; .*set TETHER_DATA_DIR"):
        await postgres.start()


async def test_postgresql_variables_of_the_caller_do_not_reach_the_server(folder: Path) -> None:
    env = dict(os.environ) | {"PGDATA": "/nowhere", "PGOPTIONS": "-c nonsense=1", "PGTZ": "Asia/Tokyo", "LANG": "xx"}
    postgres = Postgres(folder / "postgres", free_port(), folder / "log", durable=False, env=env)
    await postgres.start()
    assert await query_value(postgres, "show timezone") == "UTC"
    await postgres.stop()
