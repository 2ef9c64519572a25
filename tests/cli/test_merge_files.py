"""`tether merge plan` and `tether merge run`: files of merges, previewed, run once each row, resumed after a kill."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Programs, Said, saved_lines, write
from tests.support.eventually import eventually_sync
from tests.support.fake_tether import FakeTether, ServedFake

Tether = Callable[..., Said]
COUNT = 6_000
ROWS = [
    b"Survivor,loser,reason\n",
    b"p1,p2,same e-mail\n",
    b"\n",
    b'p3,"p,4",\n',
    b"p5,kept6,\n",
    b"p7\n",
    b"p\xff7,p8,\n",
]


def reported(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def planned(tether: Tether, file: str, *more: str) -> str:
    said = tether("merge", "plan", "--from", file, "person", "-o", "json", *more)
    return str(said.json["plan"])


@pytest.mark.usefixtures("server")
def test_plan_lists_what_would_be_refused_by_row(tether: Tether, fake: FakeTether, tmp_path: Path) -> None:
    file, report = write(tmp_path / "pairs.csv", ROWS), tmp_path / "report"
    said = tether("merge", "plan", "--from", file, "person", "--report", str(report), "-o", "json")
    found = said.json
    assert (said.code, found["merged"], found["already_merged"], found["refused"]) == (1, 2, 0, 3)
    assert fake.merges == {}
    assert [(one["line"], one["outcome"], one.get("because")) for one in reported(report)] == [
        (2, "merged", None),
        (4, "merged", None),
        (5, "refused", "forbidden"),
        (6, "refused", "malformed"),
        (7, "refused", "malformed"),
    ]
    assert reported(report)[2]["path"] == ["p5", "kept6"]
    assert "has 1 fields instead of 3" in reported(report)[3]["reason"]


@pytest.mark.usefixtures("server")
def test_second_run_of_the_same_plan_has_no_effect(tether: Tether, fake: FakeTether, tmp_path: Path) -> None:
    file = write(tmp_path / "pairs.csv", ROWS)
    plan = planned(tether, file)
    first = tether("merge", "run", "--from", file, "person", "--plan", plan, "-o", "json")
    again = tether("merge", "run", "--from", file, "person", "--plan", plan, "-o", "json")
    assert (first.code, first.json["merged"], first.json["token"]) == (1, 2, "t2")
    assert (first.json["operations"], again.json["operations"]) == (["op2"], [])
    assert (again.json["merged"], again.json["already_merged"], again.json["refused"]) == (0, 2, 3)
    assert sorted(fake.merges.values()) == [("p1", "p2"), ("p3", "p,4")]


@pytest.mark.usefixtures("server")
def test_ndjson_rows_have_several_losers_and_kinds(tether: Tether, fake: FakeTether, tmp_path: Path) -> None:
    rows = [
        {"survivor": "a", "losers": ["b", "c"], "reason": "x", "kind": "person"},
        {"survivor": "d", "losers": ["e"], "kind": "nothing"},
        {"survivor": "f", "losers": [7], "kind": "person"},
        {"survivor": "g", "losers": ["h"], "kind": "person", "loser": "i"},
        {"survivor": "j", "losers": ["k"]},
    ]
    file = write(tmp_path / "pairs.ndjson.gz", [orjson.dumps(row) + b"\n" for row in rows])
    said = tether("merge", "plan", "--from", file, "-o", "json")
    assert (said.json["merged"], said.json["refused"]) == (1, 4)
    assert [one["because"] for one in said.json["first_refused"]] == ["kind", *["malformed"] * 3]
    (tmp_path / "plan.json").write_text(said.out)
    done = tether("merge", "run", "--from", file, "--plan", str(tmp_path / "plan.json"))
    assert list(fake.merges.values()) == [("a", "b", "c")]
    assert "names no kind; give one after" in done.out


@pytest.mark.usefixtures("server")
def test_plan_of_another_file_is_refused(tether: Tether, fake: FakeTether, tmp_path: Path) -> None:
    file = write(tmp_path / "pairs.csv", ROWS[:3])
    plan = planned(tether, file)
    write(tmp_path / "pairs.csv", ROWS[:2])
    for arguments in (("person", "--plan", plan), ("--plan", plan), ("--plan", "t1"), ("--plan", "no.json")):
        said = tether("merge", "run", "--from", file, *arguments)
        assert said.code == 1
        assert "plan" in said.err
    assert fake.merges == {}


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("header", [b"survivor,reason\n", b"survivor,loser,note\n", b"p1,p2\n"])
def test_file_without_a_header_is_refused(tether: Tether, tmp_path: Path, header: bytes) -> None:
    said = tether("merge", "plan", "--from", write(tmp_path / "pairs.csv", [header, b"p1,p2\n"]), "person")
    assert said.code == 1
    assert "no header of merges" in said.err


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_run_resumes_and_reports_each_row_once(
    server: ServedFake,
    programs: Programs,
    tether: Tether,
    fake: FakeTether,
    tmp_path: Path,
    data_dir: Path,
    how: signal.Signals,
) -> None:
    lines = [b"survivor,loser\n", *(b"p%d,q%d\n" % (n, n) for n in range(COUNT))]
    file, report = write(tmp_path / "pairs.csv", lines), tmp_path / "report"
    plan = planned(tether, file)
    run = ("merge", "run", "--from", file, "person", "--plan", plan, "--report", str(report), "-o", "json")
    fake.hold_at = COUNT // 2
    program = programs.start(*run)
    eventually_sync(fake.reached.is_set)
    eventually_sync(lambda: saved_lines(data_dir) > COUNT // 2 - 1_000)
    program.send_signal(how)
    program.wait()
    done = saved_lines(data_dir)
    fake.release()
    eventually_sync(lambda: server.idle)
    said = tether(*run)
    assert said.code == 0
    assert said.err == f"Resuming at line {done + 1} of {file}.\n"
    assert len(fake.merges) == said.json["merged"] + said.json["already_merged"] == COUNT
    assert [one["line"] for one in reported(report)] == [*range(2, COUNT + 2)]
    assert saved_lines(data_dir) == 0
