"""The supervisor, with small shell scripts as parts."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from devstack.errors import PartFailed, StackError
from devstack.part import RunningProcess, StackProcess, run
from devstack.parts import says_ready
from devstack.supervisor import RestartLimit, Supervisor
from tests.support.eventually import eventually_true

QUICK = RestartLimit(first_delay=0.01, last_delay=0.02)

Script = Callable[..., StackProcess]


@pytest.fixture
def script(folder: Path) -> Script:
    def part(name: str, commands: str, timeout: float = 20.0, grace: float = 10.0) -> StackProcess:
        return StackProcess(
            name, ("/bin/sh", "-c", commands), folder / f"{name}.log", says_ready,
            {"PATH": os.environ["PATH"], "HERE": str(folder)},
            stop_signals=((signal.SIGTERM, grace),), timeout=timeout,
        )  # fmt: skip

    return part


@pytest.fixture
def reported() -> list[str]:
    return []


@pytest.fixture
async def supervisor(reported: list[str]) -> AsyncIterator[Supervisor]:
    one = Supervisor(reported.append, restart_limit=QUICK)
    yield one
    await one.stop()


def exists(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the second, if it ends between open and read
        return False


async def test_parts_stop_in_reverse_order(supervisor: Supervisor, script: Script, folder: Path) -> None:
    for name in ("first", "second", "third"):
        commands = f"trap 'echo {name} >> $HERE/order; exit' TERM; echo ready; while :; do sleep 0.01; done"
        await supervisor.start(script(name, commands))
    await supervisor.stop()
    assert (folder / "order").read_text().split() == ["third", "second", "first"]


async def test_part_that_ignores_its_stop_signals_is_killed_with_its_children(
    supervisor: Supervisor, script: Script, folder: Path
) -> None:
    commands = "trap '' TERM; sleep 600 & echo $! > $HERE/child; echo ready; wait"
    await supervisor.start(script("deaf", commands, grace=0.1))
    pids = {supervisor.pids["deaf"], int((folder / "child").read_text())}
    assert all(map(exists, pids))
    await supervisor.stop()
    await eventually_true(lambda: not any(map(exists, pids)))


async def test_death_is_reported_with_the_log_and_the_part_is_restarted(
    supervisor: Supervisor, script: Script, reported: list[str], folder: Path
) -> None:
    commands = "trap 'exit 7' USR1; echo ready; while :; do sleep 0.01; done"
    await supervisor.start(script("worker", commands))
    os.kill(supervisor.pids["worker"], signal.SIGUSR1)
    await eventually_true(lambda: len(reported) == 2)
    log = folder / "worker.log"
    assert reported[0] == f"worker died (exit code 7); starting it again in 0.01 s; log: {log}"
    assert re.fullmatch(r"worker is back after \d+\.\d s", reported[1])


async def test_repeated_deaths_fail_with_the_last_lines_of_the_log(
    supervisor: Supervisor, script: Script, reported: list[str]
) -> None:
    await supervisor.start(script("steady", "echo ready; sleep 600"))
    with pytest.raises(PartFailed, match=r"broken died 5 times within a minute .*\n.*\n(.*\n)*  no such table"):
        await supervisor.start(script("broken", "echo no such table; exit 1"))
    assert len(reported) == 4


async def test_failure_raises_when_a_ready_part_dies_too_often(supervisor: Supervisor, script: Script) -> None:
    async def start_and_wait() -> None:
        await supervisor.start(script("flaky", "echo ready; sleep 0.1; kill -KILL $$"))
        await supervisor.failure()

    with pytest.raises(PartFailed, match=r"flaky died 5 times within a minute \(last: killed by SIGKILL\)"):
        await start_and_wait()


async def test_deaths_outside_the_limit_period_do_not_count(script: Script, reported: list[str]) -> None:
    limit = RestartLimit(deaths=2, within=0.0, first_delay=0.01)
    supervisor = Supervisor(reported.append, restart_limit=limit)
    await supervisor.start(script("mortal", "echo ready; sleep 0.2"))
    await eventually_true(lambda: sum("died" in line for line in reported) >= 4)
    await supervisor.stop()


async def test_error_names_a_part_that_never_becomes_ready(supervisor: Supervisor, script: Script) -> None:
    with pytest.raises(PartFailed, match=r"slow runs but is not ready after 0.2 s; log: "):
        await supervisor.start(script("slow", "echo not ready; sleep 600", timeout=0.2))


async def test_error_of_a_preparation_is_raised(supervisor: Supervisor, script: Script) -> None:
    async def refuse() -> None:
        raise StackError("no room")

    part = script("any", "true")
    with pytest.raises(StackError, match="no room"):
        await supervisor.start(StackProcess(part.name, part.argv, part.log, says_ready, prepare=refuse))


async def test_kill_ends_parts_that_ignore_their_stop_signals(supervisor: Supervisor, script: Script) -> None:
    await supervisor.start(script("slow", "trap '' TERM; echo ready; sleep 600", grace=600))
    stopping = asyncio.create_task(supervisor.stop())
    await asyncio.sleep(0)
    supervisor.kill()
    await asyncio.wait_for(stopping, 20)


async def test_part_has_its_own_session_and_default_signals(script: Script) -> None:
    running = await RunningProcess.start(script("one", "echo ready; exec sleep 600"))
    try:
        await running.until_ready()
        assert os.getsid(running.pid) == running.pid
        status = Path(f"/proc/{running.pid}/status").read_text()
        ignored = re.search(r"SigIgn:\s*(\w+)", status)
        assert ignored is not None
        assert int(ignored[1], 16) & 0x7FFFFFFF == 0  # those above 31 belong to the C library
    finally:
        await running.stop()


@pytest.mark.faults
async def test_part_ends_when_its_parent_is_killed(folder: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], cwd=Path(__file__).parents[2])
    await eventually_true(lambda: (folder / "pid").exists() and (folder / "pid").read_text().endswith("\n"))
    pid = int((folder / "pid").read_text())
    assert exists(pid)
    parent.kill()
    parent.wait()
    await eventually_true(lambda: not exists(pid))


PARENT = """
import asyncio, sys
from pathlib import Path
from devstack.part import RunningProcess, StackProcess
from devstack.parts import says_ready

async def main(here):
    sleeper = StackProcess("child", ("/bin/sh", "-c", "echo ready; exec sleep 600"), here / "log", says_ready)
    running = await RunningProcess.start(sleeper)
    await running.until_ready()
    (here / "pid").write_text(f"{running.pid}\\n")
    await asyncio.sleep(600)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_error_of_a_failed_command_names_exit_code_or_timeout(script: Script) -> None:
    await run(script("well", "cat"))
    with pytest.raises(PartFailed, match=r"ill failed \(exit code 4\); log: .*\n.*\n  out of cheese"):
        await run(script("ill", "echo out of cheese; exit 4"))
    with pytest.raises(PartFailed, match=r"endless did not end within 0 s"):
        await run(script("endless", "sleep 600", timeout=0.1))


async def test_large_log_is_renamed_at_the_next_start(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devstack.part.LOG_LIMIT", 3)
    part = script("chatty", "echo hello")
    await run(part)
    await run(part)
    assert part.log.read_text() == part.log.with_name("chatty.log.1").read_text() == "hello\n"
