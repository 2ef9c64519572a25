"""The commands that show what would be done, and do exactly that."""

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
    "to": None, "named": 0, "token": "t", "hash": "abcdef", "operation": None, "parts": [PART], "restricted": [],
    "appeared": [], "vanished": [],
}  # fmt: skip
MOVE = {**PLAN, "kind": "move", "entity": None, "relationship": "event_team", "parent": "e1", "to": "e2"}
OPERATION = {"id": "o1", "kind": "delete", "state": "running", "entity": PLAN["entity"], "plan": "p1"}


def sent(fake: FakeTether) -> Any:
    """The newest body."""
    return orjson.loads(fake.requests[-1][3])


def test_a_plan_says_what_is_concerned_whose_it_is_and_what_to_type_next(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/plans"] = 201, PLAN
    said = tether("plan", "delete", "event", "e1")
    assert sent(fake) == {"delete": {"kind": "event", "key": "e1"}}
    for part in ("delete event e1", "event_team", "7", "teams", "cascade", "DeleteTeam", "t0, t1, …", "abcdef"):
        assert part in said.out
    assert said.err == "Nothing is done yet. `tether plan execute p1` does it.\n"
    said = tether("plan", "delete", "event", "e1", "-o", "json")
    assert (said.json, said.err) == (PLAN, "")


def test_moves_and_detachments_name_the_parent_or_the_children(tether: Tether, fake: FakeTether) -> None:
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
def test_a_plan_of_nothing_is_wrong_usage(tether: Tether, fake: FakeTether, words: tuple[str, ...]) -> None:
    said = tether("plan", *words)
    assert (said.code, said.err.count("\n"), fake.requests) == (2, 1, [])


def test_a_plan_shows_what_has_changed_since_and_what_keeps_it_back(tether: Tether, fake: FakeTether) -> None:
    change = {"relationship": "event_team", "count": 3, "sample": ["t8"]}
    fake.answers["GET /v1/plans/p1"] = 200, {**PLAN, "appeared": [change], "vanished": [{**change, "count": 1}]}
    said = tether("plan", "show", "p1")
    assert "appeared since: 3 of event_team: t8, …" in said.out
    assert "vanished since: 1 of event_team: t8\n" in said.out
    assert "`tether plan execute p1 --include-appeared`" in said.err
    fake.answers["GET /v1/plans/p1"] = 200, {**PLAN, "restricted": ["team t1 forbids\x1b it"], "parts": []}
    said = tether("plan", "show", "p1")
    assert "No children are concerned." in said.out
    assert "cannot be executed: team t1 forbids\\x1b it" in said.out
    assert "tether plan execute" not in said.err
    fake.answers["GET /v1/plans/p1"] = 200, {**PLAN, "operation": "o1"}
    assert "`tether operations get o1`" in tether("plan", "show", "p1").err


def test_executing_says_what_becomes_of_newcomers_and_can_wait(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/plans/p1/execution"] = 202, OPERATION
    fake.answers["GET /v1/operations/o1"] = 200, {**OPERATION, "state": "done"}
    said = tether("plan", "execute", "p1", "--idempotency-key", "k")
    assert (said.code, sent(fake), fake.requests[-1][2]["idempotency-key"]) == (0, {"appeared": "refuse"}, "k")
    assert "`tether operations watch o1`" in said.err
    said = tether("plan", "execute", "p1", "--include-appeared", "--wait", "-o", "json")
    assert (said.code, said.json["state"]) == (0, "done")
    assert orjson.loads(fake.requests[-2][3]) == {"appeared": "include"}


def test_a_plan_that_is_outdated_says_the_mend(tether: Tether, fake: FakeTether) -> None:
    problem = {"type": "/problems/plan-outdated", "title": "Outdated", "detail": "there are more"}
    fake.answers["POST /v1/plans/p1/execution"] = 409, problem
    said = tether("plan", "execute", "p1")
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert "Outdated: there are more. `tether plan show`" in said.err


def played(programs: Programs, answer: bytes, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and error of a deletion that asks at a terminal, and is told ``answer``."""
    ours, theirs = pty.openpty()
    program = programs.start("delete", "event", "e1", *arguments, stdin=theirs)
    os.close(theirs)
    try:
        os.write(ours, answer)
        out, err = program.communicate()
    finally:
        os.close(ours)
    return program.returncode, out, err


def test_a_deletion_at_a_terminal_shows_the_plan_and_does_exactly_that(programs: Programs, fake: FakeTether) -> None:
    fake.answers["POST /v1/plans"] = 201, PLAN
    fake.answers["POST /v1/plans/p1/execution"] = 202, OPERATION
    code, out, err = played(programs, b"y\n", "-o", "json")
    assert (code, orjson.loads(out)["id"]) == (0, "o1")
    assert ["delete event e1" in err, "t0, t1, …" in err, "Delete it?" in err] == [True, True, True]
    assert [request[1] for request in fake.requests] == ["/v1/plans", "/v1/plans/p1/execution"]


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04"])
def test_whoever_does_not_agree_deletes_nothing(programs: Programs, fake: FakeTether, answer: bytes) -> None:
    fake.answers["POST /v1/plans"] = 201, PLAN
    code, out, err = played(programs, answer)
    assert (code, out, "Nothing was done." in err) == (1, "", True)
    assert [request[1] for request in fake.requests] == ["/v1/plans"]


def test_what_cannot_be_deleted_is_not_asked_for(programs: Programs, fake: FakeTether) -> None:
    fake.answers["POST /v1/plans"] = 201, {**PLAN, "restricted": ["team t1 forbids it"]}
    code, out, err = played(programs, b"y\n")
    assert (code, out, err.splitlines()[-1]) == (1, "", "Error: team t1 forbids it")
    assert "Delete it?" not in err
