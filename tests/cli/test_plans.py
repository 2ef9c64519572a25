"""`tether plan …`, and the preview that `tether delete` shows at a terminal."""

import os
import pty
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Programs, Said
from tests.support.fake_tether import FakeTether

Tether = Callable[..., Said]
pytestmark = pytest.mark.usefixtures("server")

PART = {
    "relationship": "event_team", "parent_kind": "event", "child_kind": "team", "owner": "teams",
    "command": "DeleteTeam", "policy": "cascade", "children": 7, "sample": ["t0", "t1"],
}  # fmt: skip
PLAN: dict[str, Any] = {
    "id": "p1", "kind": "delete", "entity": {"kind": "event", "key": "e1"}, "relationship": None, "parent": None,
    "to": None, "listed_children": 0, "token": "t", "hash": "abcdef", "operation": None, "parts": [PART],
    "deleted": 1234, "restricted": [], "appeared": [], "vanished": [],
}  # fmt: skip
MOVE = {
    **PLAN,
    "kind": "move",
    "deleted": None,
    "entity": None,
    "relationship": "event_team",
    "parent": "e1",
    "to": "e2",
}
OPERATION = {"id": "o1", "kind": "delete", "state": "running", "entity": PLAN["entity"], "plan": "p1"}


def sent(fake: FakeTether) -> Any:
    """The body of the latest request."""
    return orjson.loads(fake.requests[-1][3])


def test_plan_lists_affected_children_and_the_command_to_execute(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/plans"] = 201, PLAN
    said = tether("plan", "delete", "event", "e1")
    assert sent(fake) == {"delete": {"kind": "event", "key": "e1"}}
    for part in (
        "delete event e1",
        "event_team",
        "7",
        "teams",
        "cascade",
        "DeleteTeam",
        "t0, t1, …",
        "abcdef",
        "1,234 entities",
    ):
        assert part in said.out
    assert said.err == "Nothing was changed. Run `tether plan execute p1` to execute the plan.\n"
    said = tether("plan", "delete", "event", "e1", "-o", "json")
    assert (said.json, said.err) == (PLAN, "")


def test_move_and_detach_take_a_parent_or_a_list_of_children(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/plans"] = 201, MOVE
    said = tether("plan", "move", "event_team", "--from", "e1", "--to", "e2")
    assert sent(fake) == {"move": {"relationship": "event_team", "from": "e1", "to": "e2"}}
    assert said.out.startswith("move all of event_team from e1 to e2\n")
    tether("plan", "move", "event_team", "--to", "e2", "t1", "t2")
    assert sent(fake) == {"move": {"relationship": "event_team", "to": "e2", "children": ["t1", "t2"]}}
    tether("plan", "detach", "event_team", "--from", "e1")
    assert sent(fake) == {"detach": {"relationship": "event_team", "parent": "e1"}}


BOTH = ("detach", "event_team", "--from", "e1", "t1")


@pytest.mark.parametrize(
    "words", [("move", "event_team", "--to", "e2"), ("detach", "event_team"), ("move", "et", "t"), BOTH]
)
def test_plan_without_a_selection_is_a_usage_error(tether: Tether, fake: FakeTether, words: tuple[str, ...]) -> None:
    said = tether("plan", *words)
    assert (said.code, said.err.count("\n"), fake.requests) == (2, 1, [])


def test_plan_shows_changes_since_it_was_made_and_restrictions(tether: Tether, fake: FakeTether) -> None:
    change = {"relationship": "event_team", "count": 3, "sample": ["t8"]}
    fake.answers["GET /v1/plans/p1"] = 200, {**PLAN, "appeared": [change], "vanished": [{**change, "count": 1}]}
    said = tether("plan", "show", "p1")
    assert "appeared since: 3 of event_team: t8, …" in said.out
    assert "vanished since: 1 of event_team: t8\n" in said.out
    assert "`tether plan execute p1 --include-appeared`" in said.err
    fake.answers["GET /v1/plans/p1"] = 200, {**PLAN, "restricted": ["team t1 forbids\x1b it"], "parts": []}
    said = tether("plan", "show", "p1")
    assert "No children are affected." in said.out
    assert "cannot be executed: team t1 forbids\\x1b it" in said.out
    assert "tether plan execute" not in said.err
    fake.answers["GET /v1/plans/p1"] = 200, {**PLAN, "operation": "o1"}
    assert "`tether operations get o1`" in tether("plan", "show", "p1").err


def test_execute_sends_the_appeared_option_and_can_wait(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/plans/p1/execution"] = 202, OPERATION
    fake.answers["GET /v1/operations/o1"] = 200, {**OPERATION, "state": "done"}
    said = tether("plan", "execute", "p1", "--idempotency-key", "k")
    assert (said.code, sent(fake), fake.requests[-1][2]["idempotency-key"]) == (0, {"appeared": "refuse"}, "k")
    assert "`tether operations watch o1`" in said.err
    said = tether("plan", "execute", "p1", "--include-appeared", "--wait", "-o", "json")
    assert (said.code, said.json["state"]) == (0, "done")
    assert orjson.loads(fake.requests[-2][3]) == {"appeared": "include"}


def test_outdated_plan_error_names_the_remedy(tether: Tether, fake: FakeTether) -> None:
    problem = {"type": "/problems/plan-outdated", "title": "Outdated", "detail": "there are more"}
    fake.answers["POST /v1/plans/p1/execution"] = 409, problem
    said = tether("plan", "execute", "p1")
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert "Outdated: there are more. `tether plan show`" in said.err


def delete_at_terminal(programs: Programs, answer: bytes, *arguments: str) -> tuple[int, str, str]:
    """Runs a deletion at a pseudo-terminal with this input; returns its exit code, standard output and error."""
    ours, theirs = pty.openpty()
    program = programs.start("delete", "event", "e1", *arguments, stdin=theirs)
    os.close(theirs)
    try:
        os.write(ours, answer)
        out, err = program.communicate()
    finally:
        os.close(ours)
    return program.returncode, out, err


def test_delete_at_a_terminal_shows_the_plan_and_executes_it(programs: Programs, fake: FakeTether) -> None:
    fake.answers["POST /v1/plans"] = 201, PLAN
    fake.answers["POST /v1/plans/p1/execution"] = 202, OPERATION
    code, out, err = delete_at_terminal(programs, b"y\n", "-o", "json")
    assert (code, orjson.loads(out)["id"]) == (0, "o1")
    assert ["delete event e1" in err, "t0, t1, …" in err, "Delete it?" in err] == [True, True, True]
    assert [request[1] for request in fake.requests] == ["/v1/plans", "/v1/plans/p1/execution"]


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04"])
def test_delete_without_consent_changes_nothing(programs: Programs, fake: FakeTether, answer: bytes) -> None:
    fake.answers["POST /v1/plans"] = 201, PLAN
    code, out, err = delete_at_terminal(programs, answer)
    assert (code, out, "Nothing was deleted." in err) == (1, "", True)
    assert [request[1] for request in fake.requests] == ["/v1/plans"]


def test_restricted_deletion_is_refused_before_the_prompt(programs: Programs, fake: FakeTether) -> None:
    fake.answers["POST /v1/plans"] = 201, {**PLAN, "restricted": ["team t1 forbids it"]}
    code, out, err = delete_at_terminal(programs, b"y\n")
    assert (code, out, err.splitlines()[-1]) == (1, "", "Error: team t1 forbids it")
    assert "Delete it?" not in err
