"""`tether merge …`: the requests that it sends, and what people read."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Said
from tests.support.fake_tether import FakeTether

Tether = Callable[..., Said]
pytestmark = pytest.mark.usefixtures("server")

OPERATION = {"id": "m1", "kind": "merge", "state": "waiting", "entity": {"kind": "person", "key": "anne"}}
MERGE: dict[str, Any] = {
    "id": "m1", "kind": "person", "survivor": "anne", "reason": "", "source": "/tether", "actor": "ops", "fact": "f",
    "losers": [{"loser": "ann", "state": "merged", "path": None}, {"loser": "bob", "state": "undone", "path": None}],
    "operation": "m1", "operation_state": "done", "created": "2026-01-01T00:00:00Z", "token": "t",
}  # fmt: skip
PLAN: dict[str, Any] = {
    "kind": "person", "survivor": "anne", "rule": "declared", "token": "t", "forbidden": [],
    "members": [{"key": key, "state": "live", "survivor": key} for key in ("anne", "ann")],
    "links": [{"relationship": "person_ticket", "key": "ann", "links": 7}],
    "activity": [{"key": "ann", "items": 31}],
    "conflicts": [{"relationship": "company_person", "because": "one_parent", "on_merge": "keep_newest",
                   "refused": False, "kept": {"key": "ann", "other": "acme"},
                   "set_aside": [{"key": "anne", "other": "bolt"}]}],
    "retired": ["ann"], "command": "RetirePerson", "refused": ["because of this"],
}  # fmt: skip
TALLY = {"count": 2, "hash": "0123456789abcdef0123456789abcdef"}
PROOF: dict[str, Any] = {
    "id": "m1", "conserved": True, "lost": "", "before": "s", "after": "t",
    "keys": [{"key": "ann", "before": {"links": TALLY}, "after": {"links": TALLY}}],
    "own_links": {"kept": 1, "set_aside": [], "restored": []},
}  # fmt: skip


def sent(fake: FakeTether) -> Any:
    """The body of the latest request."""
    return orjson.loads(fake.requests[-1][3])


def test_merge_names_kind_survivor_and_losers(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/entities/person/merges"] = 202, OPERATION
    said = tether("merge", "person", "anne", "ann", "bob", "--reason", "same phone")
    assert sent(fake) == {"survivor": "anne", "losers": ["ann", "bob"], "reason": "same phone"}
    assert (said.code, "m1" in said.out) == (0, True)
    assert said.err == "Started. `tether operations watch m1` shows its progress.\n"


def test_refused_merge_is_one_line_and_an_exit_code(tether: Tether, fake: FakeTether) -> None:
    problem = {"type": "/problems/forbidden-merge", "title": "x", "status": 409, "detail": "never: ann – bob"}
    fake.answers["POST /v1/entities/person/merges"] = 409, problem
    said = tether("merge", "person", "anne", "ann")
    assert (said.code, said.out) == (1, "")
    assert "never: ann – bob" in said.err


def test_plan_of_a_merge_shows_what_moves_and_what_refuses_it(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/entities/person/merges/plan"] = 200, PLAN
    said = tether("merge", "plan", "person", "anne", "ann")
    for part in (
        "anne would remain of 2 records",
        "person_ticket",
        "7",
        "31",
        "ann – acme",
        "RetirePerson",
        "because of this",
    ):
        assert part in said.out
    assert said.err == "Nothing was changed.\n"
    assert orjson.loads(tether("merge", "plan", "person", "anne", "ann", "-o", "json").out) == PLAN


def test_merges_are_listed_with_the_state_of_each_loser(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/merges"] = 200, {"items": [MERGE], "next": None}
    assert "ann, bob (undone)" in tether("merge", "list").out
    assert orjson.loads(tether("merge", "list", "-o", "jsonl").out) == MERGE
    fake.answers["GET /v1/merges/m1"] = 200, MERGE
    assert "ann, bob (undone)" in tether("merge", "show", "m1").out


def test_undo_names_its_losers_or_previews(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/merges/m1/undo"] = 202, {**OPERATION, "kind": "unmerge", "state": "done"}
    assert tether("merge", "undo", "m1", "--only", "ann").code == 0
    assert sent(fake) == {"only": ["ann"], "reason": ""}
    preview = {"kind": "person", "losers": ["ann"], "stay": ["bob"], "joined": [], "links": [], "deleted": ["ann"],
               "changes": [{"key": "ann", "before": "anne", "after": "ann"}], "token": "t"}  # fmt: skip
    fake.answers["GET /v1/merges/m1/undo"] = 200, preview
    said = tether("merge", "undo", "m1", "--preview")
    assert "stay merged by other merges: bob" in said.out
    assert "deleted by their owner: ann" in said.out


def test_proof_says_whether_everything_was_conserved(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/merges/m1/proof"] = 200, PROOF
    assert "Everything was conserved." in tether("merge", "proof", "m1").out
    fake.answers["GET /v1/merges/m1/proof"] = 200, {**PROOF, "conserved": False, "lost": "a link"}
    assert "Lost: a link." in tether("merge", "proof", "m1").out


@pytest.mark.parametrize(("command", "method"), [("forbid", "POST"), ("allow", "DELETE")])
def test_pair_is_forbidden_and_allowed(tether: Tether, fake: FakeTether, command: str, method: str) -> None:
    answer = {"kind": "person", "one": "a", "other": "b", "forbidden": command == "forbid", "token": "t"}
    fake.answers[f"{method} /v1/entities/person/forbidden-merges"] = 200, answer
    said = tether("merge", command, "person", "a", "b", "--reason", "twins")
    assert sent(fake) == {"one": "a", "other": "b", "reason": "twins"}
    assert said.code == 0
