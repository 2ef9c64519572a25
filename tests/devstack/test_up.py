"""``tether up`` as a process: its output, what it leaves behind, and that the next start continues."""

import json
import os
import signal
import socket
from collections.abc import Callable
from functools import partial

import asyncpg
import pytest
from httpx2 import AsyncClient

from devstack.testing import temporary_postgres, temporary_temporal
from tests.devstack.conftest import Stack
from tests.support.eventually import eventually_true

pytestmark = [pytest.mark.stack, pytest.mark.slow]

Start = Callable[..., Stack]
PARTS = ["postgres", "temporal", "api", "dispatcher", "worker"]


def has_returned(running: Stack, part: str) -> bool:
    return f"{part} is back" in running.printed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_stop_signal_ends_all_processes_of_the_stack(stack: Start, number: signal.Signals) -> None:
    running = stack()
    noted = await running.ready()
    assert list(noted["pids"]) == PARTS
    assert running.alive() >= set(noted["pids"].values())
    assert await running.stop(number) == 0
    assert running.alive() == set()
    assert not (running.data / "stack.json").exists()


async def test_closed_terminal_ends_all_processes_of_the_stack(stack: Start) -> None:
    user, terminal = os.openpty()
    running = stack(terminal)
    os.close(terminal)
    await running.ready()
    os.close(user)  # every write fails from now on
    await running.stop(signal.SIGHUP)
    assert running.alive() == set()


async def test_output_names_started_parts_and_addresses(stack: Start) -> None:
    running = stack(empty=True)
    noted = await running.ready()
    await eventually_true(lambda: "Ctrl-C" in running.printed)
    starts = [line.split()[0] for line in running.printed.splitlines() if " ready " in line or " done " in line]
    assert starts == ["postgres", "temporal", "migrate", "api", "dispatcher", "worker"]
    for value in ("api", "docs", "temporal_ui", "credentials", "logs"):
        assert noted["urls"][value] in running.printed
    assert running.logs == {*PARTS, "initdb", "migrate"}


async def test_next_start_continues_with_the_same_data(stack: Start) -> None:
    first = stack(empty=True)
    await first.ready()
    await first.stop()
    second = stack(STUB_ONCE_READY="return")
    assert await second.ended() == 0
    assert "rows: 2" in second.printed


async def test_parts_get_addresses_and_settings_by_their_environment(stack: Start) -> None:
    own = {"TETHER_OWNERS": '{"channels": "http://x"}', "TETHER_LIMIT_BATCH": "7", "TEMPORAL_API_KEY": "of a cloud"}
    noted = await stack(**own).ready()
    async with AsyncClient(timeout=60) as client:
        seen = (await client.get(noted["urls"]["api"] + "/healthz")).json()
    assert seen["TETHER_DATABASE_URL"] == noted["urls"]["database"]
    assert seen["TEMPORAL_ADDRESS"] == f"127.0.0.1:{noted['ports']['temporal']}"
    assert seen["TETHER_TEMPORAL_UI_URL"] == noted["urls"]["temporal_ui"]
    assert json.loads(seen["TETHER_OWNERS"]) == {"channels": "http://x"}
    assert seen["TETHER_LIMIT_BATCH"] == "7"
    assert "TEMPORAL_API_KEY" not in seen


@pytest.mark.faults
async def test_killed_part_is_named_and_restarted(stack: Start) -> None:
    running = stack()
    await running.ready()
    for part in PARTS:
        before = running.noted()["pids"]
        os.kill(before[part], signal.SIGKILL)
        await eventually_true(partial(has_returned, running, part))
        log = running.data / "logs" / f"{part}.log"
        assert f"{part} died (killed by SIGKILL); starting it again in 0.25 s; log: {log}" in running.printed
        after = running.noted()["pids"]
        assert {name for name in PARTS if after[name] != before[name]} == {part}
    connection = await asyncpg.connect(running.noted()["urls"]["database"])
    assert await connection.fetchval("select count(*) from starts") == 1
    await connection.close()


@pytest.mark.faults
async def test_parts_end_with_a_killed_stack_and_the_next_one_starts(stack: Start) -> None:
    first = stack()
    noted = await first.ready()
    ports = {f"TETHER_{name.upper()}_PORT": str(port) for name, port in noted["ports"].items() if name != "api"}
    await first.stop(signal.SIGKILL)
    # Immediately, on the same ports, while PostgreSQL is still shutting down.
    second = stack(**ports, TETHER_PORT=str(noted["ports"]["api"]))
    again = await second.ready()
    assert again["ports"] == noted["ports"]
    assert not set(noted["pids"].values()) & second.alive()


async def test_second_stack_on_the_same_data_names_the_holder(stack: Start) -> None:
    first = stack()
    await first.ready()
    second = stack()
    assert await second.ended() == 1
    assert f"data directory {first.data} is in use by another `tether up` (pid {first.process.pid})" in second.printed
    assert "set TETHER_DATA_DIR to another" in second.printed
    assert first.process.poll() is None
    assert first.noted()["ready"]


async def test_taken_port_is_named_with_the_setting_that_changes_it(stack: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        running = stack(TETHER_PORT=str(port))
        assert await running.ended() == 1
    assert f"port {port} (API) is taken; set TETHER_PORT to another" in running.printed
    assert running.alive() == set()


@pytest.mark.faults
async def test_part_that_always_dies_ends_the_stack_and_shows_its_log(stack: Start) -> None:
    running = stack(STUB_DEAD="worker")
    assert await running.ended() == 1
    assert running.printed.count("worker died (exit code 3); starting it again") == 4
    assert "worker died 5 times within a minute (last: exit code 3)" in running.printed
    assert f"log: {running.data / 'logs' / 'worker.log'}" in running.printed
    assert "worker: cannot go on" in running.printed
    assert running.alive() == set()


async def test_failed_migration_ends_the_stack_before_the_api_starts(stack: Start) -> None:
    running = stack(STUB_DEAD="migrate")
    assert await running.ended() == 1
    assert "migrate failed (exit code 3)" in running.printed
    assert not (running.data / "served").exists()
    assert running.alive() == set()


async def test_error_in_once_ready_stops_the_stack_and_is_raised(stack: Start) -> None:
    running = stack(STUB_ONCE_READY="raise")
    assert await running.ended() == 1
    assert "RuntimeError: a step against http://127.0.0.1:" in running.printed
    assert running.alive() == set()


async def test_interrupt_during_the_start_leaves_no_process(stack: Start) -> None:
    running = stack(empty=True)
    await eventually_true(lambda: "postgres" in running.noted().get("pids", {}))
    assert await running.stop() == 0
    assert running.alive() == set()


async def test_external_postgresql_and_temporal_are_used_and_not_started(stack: Start) -> None:
    async with temporary_postgres() as postgres, temporary_temporal() as temporal:
        running = stack(TETHER_DATABASE_URL=postgres.url, TEMPORAL_ADDRESS=temporal.address)
        noted = await running.ready()
        assert list(noted["pids"]) == ["api", "dispatcher", "worker"]
        assert (noted["urls"]["database"], noted["urls"]["temporal"]) == (postgres.url, temporal.address)
        assert await running.stop() == 0
