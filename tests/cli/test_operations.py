"""The commands that start, watch and cancel operations: what they send, what they print, how they exit."""

import os
import pty
import signal
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Programs, Said
from tests.support.eventually import eventually_sync
from tests.support.fake_tether import FakeTether

Tether = Callable[..., Said]
pytestmark = pytest.mark.usefixtures("server")

NONE = {"total": 0, "remaining": 0, "found": 0, "requested": 0, "confirmed": 0, "skipped": 0, "parked": 0}
MOVE = {
    "id": "o1", "kind": "move", "state": "waiting", "relationship": "event_team", "parent": "e2", "child": "t1",
    "entity": None, "reason": "", "progress": None, "stuck_since": None, "cancellation_requested_at": None,
}  # fmt: skip
DELETE = {
    **MOVE, "kind": "delete", "relationship": None, "parent": None, "child": None,
    "entity": {"kind": "event", "key": "e/1"}, "progress": NONE,
}  # fmt: skip
ONE = "GET /v1/operations/o1"


def running(done: int, total: int, **changed: Any) -> dict[str, Any]:
    parked = changed.pop("parked", 0)
    progress = {**NONE, "total": total, "found": total, "confirmed": done, "parked": parked}
    return {**DELETE, "state": "running", "progress": progress, **changed}


def test_move_sends_child_and_target_and_says_how_to_watch(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/relationships/event_team/moves"] = 202, MOVE
    said = tether("move", "event_team", "t1", "e2")
    _, _, headers, body = fake.requests[0]
    assert (orjson.loads(body), len(headers["idempotency-key"])) == ({"child": "t1", "to": "e2"}, 36)
    assert (said.code, "`tether operations watch o1`" in said.err, "waiting" in said.out) == (0, True, True)
    assert tether("move", "event_team", "t1", "e2", "-o", "json") == Said(0, orjson.dumps(
        MOVE, option=orjson.OPT_INDENT_2).decode() + "\n", "")  # fmt: skip


def test_deletion_without_a_terminal_requires_yes(tether: Tether, fake: FakeTether) -> None:
    said = tether("delete", "event", "e/1")
    assert (said.code, said.out, fake.requests) == (2, "", [])
    assert "--yes" in said.err
    fake.answers["DELETE /v1/entities/event/e/1"] = 202, DELETE
    said = tether("delete", "event", "e/1", "--yes", "--idempotency-key", "k", "-o", "json")
    assert (said.code, said.json["id"], fake.requests[0][2]["idempotency-key"]) == (0, "o1", "k")


def test_wait_prints_changes_as_lines_and_the_result_at_the_end(tether: Tether, fake: FakeTether) -> None:
    fake.answers["DELETE /v1/entities/event/e/1"] = 202, DELETE
    stuck = {"stuck_since": "2026-01-01T00:00:00Z", "reason": "teams is away\x1b[2J"}
    steps = [running(1, 9), running(1, 9), running(1, 9, parked=1, **stuck), {**DELETE, "state": "done"}]
    fake.sequences[ONE] = [(200, step) for step in steps]
    said = tether("delete", "event", "e/1", "--yes", "--wait", "-o", "jsonl")
    assert (said.code, said.json["state"]) == (0, "done")
    assert said.err.splitlines() == [
        "delete event e/1: running, 1 of 9",
        "delete event e/1: running, 1 of 9, 1 parked, stuck since 2026-01-01 00:00:00 UTC: teams is away\\x1b[2J",
    ]


def test_ended_deletion_names_open_cascades(tether: Tether, fake: FakeTether) -> None:
    fake.answers[ONE] = 200, {**DELETE, "state": "done"}
    fake.sequences["GET /v1/operations"] = [(200, {"items": items, "next": None}) for items in ([running(1, 2)], [])]
    said = tether("operations", "watch", "o1")
    assert fake.requests[-1][1] == "/v1/operations?cause=o1&state=open&limit=1"
    assert said.err == "Cascades that follow from it continue: `tether operations list --cause o1 --state open`.\n"
    assert tether("operations", "watch", "o1").err == ""
    fake.sequences["GET /v1/operations"] = [(503, {"title": "Unavailable", "detail": "PostgreSQL is away"})]
    said = tether("operations", "watch", "o1")
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("incomplete", "is incomplete: children parked: 2. `tether operations children o1 --state parked`"),
        ("refused", "was refused: children parked"),
        ("expired", "has expired: children parked"),
        ("superseded", "was superseded: children parked"),
        ("cancelled", "was cancelled: children parked"),
    ],
)
def test_every_end_state_but_done_is_a_failure_with_reason(
    tether: Tether, fake: FakeTether, state: str, says: str
) -> None:
    fake.answers[ONE] = 200, {**DELETE, "state": state, "reason": "children parked: 2"}
    said = tether("operations", "watch", "o1", "-o", "json")
    assert (said.code, said.json["state"]) == (1, state)
    assert f"Error: Operation o1 {says}" in said.err
    assert tether("operations", "get", "o1").code == 0


def test_watching_retries_while_the_server_is_away(tether: Tether, fake: FakeTether) -> None:
    away = 503, {"title": "Unavailable", "detail": "PostgreSQL is away"}
    fake.sequences[ONE] = [(200, MOVE), away, (200, {**MOVE, "state": "done"})]
    said = tether("operations", "watch", "o1", "-o", "json")
    assert (said.code, said.json["state"]) == (0, "done")
    assert said.err == "Retrying: Unavailable: PostgreSQL is away.\n"


def test_cancel_succeeds_only_if_the_operation_was_cancelled(tether: Tether, fake: FakeTether) -> None:
    cancelled_operation = running(1, 9, cancellation_requested_at="2026-01-01T00:00:00Z")
    fake.answers["POST /v1/operations/o1/cancellation"] = 202, cancelled_operation
    fake.answers[ONE] = 200, {**cancelled_operation, "state": "cancelled", "reason": "3 more were requested"}
    assert tether("operations", "cancel", "o1", "--wait", "-o", "json").code == 0
    fake.answers[ONE] = 200, {**cancelled_operation, "state": "done"}
    said = tether("operations", "cancel", "o1", "--wait", "-o", "json")
    assert (said.code, "was done before it could be cancelled" in said.err) == (1, True)
    fake.answers["POST /v1/operations/o1/cancellation"] = 409, {"title": "Conflict", "detail": "has ended already"}
    assert tether("operations", "cancel", "o1").err == "Error: Conflict: has ended already.\n"


def test_operations_and_their_children_are_listed(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/operations"] = 200, {"items": [running(3, 9), MOVE], "next": None}
    said = tether("operations", "list", "--state", "open", "--kind", "delete", "--limit", "5")
    assert fake.requests[0][1] == "/v1/operations?kind=delete&state=open&limit=5"
    assert ["e/1" in said.out.splitlines()[1], "t1" in said.out.splitlines()[2]] == [True, True]
    child = {
        "relationship": "event_team",
        "child": "t1",
        "parent": "e",
        "state": "parked",
        "reason": "no",
        "changed_at": "x",
    }
    fake.answers["GET /v1/operations/o1/children"] = 200, {"items": [child], "next": None}
    said = tether("operations", "children", "o1", "--state", "parked", "--all", "-o", "jsonl")
    assert orjson.loads(said.out) == child
    assert fake.requests[1][1] == "/v1/operations/o1/children?state=parked&limit=1000"
    fake.answers["GET /v1/operations"] = 200, {"items": [], "next": None}
    assert tether("operations", "list").out == "There is no operation.\n"


def test_ctrl_c_stops_watching_and_not_the_operation(programs: Programs, fake: FakeTether) -> None:
    fake.answers[ONE] = 200, running(1, 9)
    program = programs.start("operations", "watch", "o1")
    eventually_sync(lambda: len(fake.requests) > 1)
    program.send_signal(signal.SIGINT)
    out, err = program.communicate()
    assert (program.returncode, out) == (130, "")
    assert "Operation o1 continues." in err
    assert "`tether operations cancel o1` cancels it." in err
    assert {request[0] for request in fake.requests} == {"GET"}


def read(terminal: int) -> str:
    """All that a program wrote to a terminal, until it ends."""
    seen = b""
    try:
        while part := os.read(terminal, 65_536):
            seen += part
    except OSError:
        pass  # a terminal reports so that its other side was closed
    return seen.decode()


def test_terminal_bar_shows_parked_children_and_obstacle(programs: Programs, fake: FakeTether) -> None:
    stuck = running(4, 9, parked=2, stuck_since="2026-01-01T00:00:00Z", reason="teams is away")
    fake.sequences[ONE] = [(200, running(1, 9)), (200, stuck), (200, running(9, 9, state="done"))]
    ours, theirs = pty.openpty()
    programs.environment.update(COLUMNS="200", TERM="xterm-256color")
    program = programs.start("operations", "watch", "o1", "-o", "json", stderr=theirs)
    os.close(theirs)
    seen = read(ours)
    os.close(ours)
    out, _ = program.communicate()
    assert (program.returncode, orjson.loads(out)["state"]) == (0, "done")
    for part in ("delete event e/1", "4 of 9", "2 parked", "teams is away", "9 of 9"):
        assert part in seen
