"""`tether import` when it or the server is interrupted: no line is lost, and the report is right."""

import os
import pty
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Programs, Said, facts, saved_lines, write
from tests.support.eventually import eventually_sync
from tests.support.fake_tether import FakeTether, ServedFake

Tether = Callable[..., Said]
COUNT = 6_000
FLOW = ("--batch", "100", "-o", "json")


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path / "facts.ndjson.gz", facts(COUNT))


def begin(programs: Programs, fake: FakeTether, file: str, data_dir: Path) -> int:
    """An import in a process of its own that has come to its middle, and saved how far. Returns its place."""
    fake.hold_at = COUNT // 2
    programs.start("import", file, *FLOW)
    eventually_sync(fake.reached.is_set)
    eventually_sync(lambda: saved_lines(data_dir) >= COUNT // 2 - 1_000)
    return len(programs.started) - 1


def test_killed_import_resumes_where_it_stopped(
    server: ServedFake, programs: Programs, tether: Tether, fake: FakeTether, file: str, data_dir: Path
) -> None:
    program = programs.started[begin(programs, fake, file, data_dir)]
    program.kill()
    program.wait()
    done = saved_lines(data_dir)
    fake.release()
    eventually_sync(lambda: server.idle)
    fake.batches.clear()

    said = tether("import", file, *FLOW)

    assert said.code == 0
    assert len(fake.facts) == COUNT
    assert sum(fake.batches) == COUNT - done
    assert said.err == f"Resuming at line {done + 1} of {file}.\n"
    report = said.json
    assert report["lines"] == report["accepted"] + report["duplicates"] == COUNT
    assert saved_lines(data_dir) == 0


def test_restart_option_starts_at_the_first_line(
    server: ServedFake, programs: Programs, tether: Tether, fake: FakeTether, file: str, data_dir: Path
) -> None:
    program = programs.started[begin(programs, fake, file, data_dir)]
    program.kill()
    program.wait()
    fake.release()
    eventually_sync(lambda: server.idle)
    fake.batches.clear()
    said = tether("import", file, "--restart", *FLOW)
    assert (said.code, said.err, sum(fake.batches)) == (0, "", COUNT)


def test_progress_is_kept_per_server_and_key(
    server: ServedFake, programs: Programs, tether: Tether, fake: FakeTether, file: str, data_dir: Path
) -> None:
    program = programs.started[begin(programs, fake, file, data_dir)]
    program.kill()
    program.wait()
    fake.release()
    said = tether("import", file, *FLOW, "--key", "of another tenant")
    assert (said.code, said.err, said.json["lines"]) == (0, "", COUNT)


def test_ctrl_c_says_where_it_stopped_and_how_to_resume(
    server: ServedFake, programs: Programs, fake: FakeTether, file: str, data_dir: Path
) -> None:
    program = programs.started[begin(programs, fake, file, data_dir)]
    program.send_signal(signal.SIGINT)
    out, err = program.communicate()
    done = saved_lines(data_dir)
    assert (program.returncode, out) == (130, "")
    assert err == f"Stopped after line {done} of {file}; `tether import {file}` resumes there.\n"
    assert done >= COUNT // 2 - 1_000


def test_ctrl_c_ends_an_import_that_waits_for_its_input(
    server: ServedFake, programs: Programs, fake: FakeTether
) -> None:
    reading, writing = os.pipe()
    try:
        program = programs.start("import", "-", "--batch", "100", stdin=reading)
        os.write(writing, b"".join(facts(300)))
        eventually_sync(lambda: fake.facts)
        program.send_signal(signal.SIGINT)
        _, err = program.communicate()
    finally:
        os.close(reading)
        os.close(writing)
    assert program.returncode == 130
    assert "a stream cannot be resumed" in err


@pytest.mark.usefixtures("server")
def test_import_retries_while_the_server_is_away(tether: Tether, fake: FakeTether, file: str) -> None:
    fake.away = [(503, "0.01"), (429, "0"), (500, ""), (503, "Wed, 21 Oct 2026 07:28:00 GMT")]
    said = tether("import", file, *FLOW, "--concurrency", "1")
    assert (said.code, said.json["accepted"], len(fake.facts)) == (0, COUNT, COUNT)
    assert said.err == "Waiting for the server: Unavailable: PostgreSQL is away.\nThe server is back.\n"


def test_import_loses_nothing_when_the_server_is_killed(
    server: ServedFake, programs: Programs, fake: FakeTether, file: str, data_dir: Path
) -> None:
    program = programs.started[begin(programs, fake, file, data_dir)]
    server.stop()
    assert program.stderr
    assert program.stderr.readline().startswith("Waiting for the server: ")
    fake.release()
    server.start()
    out, err = program.communicate()
    assert program.returncode == 0
    assert err == "The server is back.\n"
    assert (len(fake.facts), f'"lines": {COUNT}' in out) == (COUNT, True)


def test_import_fails_after_the_timeout(server: ServedFake, tether: Tether, file: str) -> None:
    server.stop()
    said = tether("import", file, "--timeout", "0.2")
    assert (said.code, said.out) == (1, "")
    assert "is back" not in said.err
    last = said.err.splitlines()[-1]
    assert last.startswith(f"Error: Gave up after 0.2 s: {server.url} cannot be reached")
    assert "is `tether up` running?" in last
    assert f"Stopped after line 0 of {file}" in last


@pytest.mark.parametrize("status", [401, 403])
def test_unauthorized_key_ends_the_import_at_once(
    server: ServedFake, tether: Tether, fake: FakeTether, file: str, status: int
) -> None:
    fake.away = [(status, "")] * 4
    said = tether("import", file, *FLOW)
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert "key" in said.err


def test_terminal_bar_is_on_stderr_and_not_in_the_report(server: ServedFake, programs: Programs, file: str) -> None:
    ours, theirs = pty.openpty()
    program = programs.start("import", file, *FLOW, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65_536):
            seen += part
    except OSError:
        pass  # a terminal reports so that its other side was closed
    finally:
        os.close(ours)
    out, _ = program.communicate()
    assert b"6,000 facts" in seen
    assert b"facts.ndjson.gz" in seen
    assert out.startswith("{")
