"""The demo's helpers: checks can fail, an error is a failed check, only the demo's own folder is emptied."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from rich.console import Console

from errors import Refused
from examples.data import EXPECTED, FLIGHTS
from examples.demo import festival, performance
from examples.demo.festival import Counted, counted
from examples.demo.flights import REPEATED, fingerprint, shuffle
from examples.demo.folder import emptied
from examples.demo.operations import watched
from examples.demo.play import Play, StepTimedOut, shown


@pytest.fixture
def play() -> Play:
    return Play(Console(file=io.StringIO(), width=100))


def output(play: Play) -> str:
    file = play.console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_check_of_equal_values_holds(play: Play) -> None:
    play.check("links", 3, 3)
    assert not play.failed
    assert "✓ links: 3" in output(play)


@pytest.mark.parametrize(("expected", "found"), [(3, 4), ("linked", "waiting"), ([], ["x"]), ({"a": 1}, {"a": 2})])
def test_check_of_different_values_fails_and_shows_a_cross(play: Play, expected: object, found: object) -> None:
    play.check("good", 1, 1)
    play.check("links", expected, found)
    assert play.failed
    assert "✗ links: expected" in output(play)
    play.console.print(play.table())
    assert output(play).count("✗") == 2


def test_play_without_checks_has_failed(play: Play) -> None:
    assert play.failed


async def test_result_that_is_not_reached_in_time_is_a_failed_check(play: Play) -> None:
    async def look() -> str:
        return "waiting"

    await play.reaches("the link", "linked", look, within=0)
    assert play.failed
    assert "expected linked, found waiting" in output(play)


async def test_timeout_names_what_was_waited_for(play: Play) -> None:
    async def look() -> None:
        return None

    with pytest.raises(StepTimedOut, match="waited 0 s for a channel"):
        await play.until("a channel", look, within=0)


async def test_situation_that_raises_is_a_failed_check_and_others_are_played(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(on: Any) -> None:
        raise RuntimeError("no answer")

    async def good(on: Any) -> None:
        on.play.check("the other one", 1, 1)

    monkeypatch.setattr(performance, "SITUATIONS", {"broken": broken, "left_out": broken, "good": good})
    on: Any = SimpleNamespace(play=play)
    await performance.situations(on, ["broken", "good"])
    assert [check.good for check in play.checks] == [False, True]
    assert "RuntimeError: no answer" in output(play)
    assert play.failed


def test_random_keys_and_hashes_are_shown_shortened() -> None:
    assert shown("a" * 64) == "aaaaaaaa…"
    assert shown({"key": "0123456789abcdef0123456789abcdef"}) == "key 01234567…"


def test_folder_of_an_earlier_demo_is_emptied(tmp_path: Path) -> None:
    folder = emptied(tmp_path / "demo")
    (folder / "logs").mkdir()
    (folder / "logs" / "api.log").touch()
    assert emptied(tmp_path / "demo") == folder
    assert not (folder / "logs").exists()


def test_folder_that_the_demo_has_not_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").touch()
    with pytest.raises(Refused, match="holds files that the demo has not made"):
        emptied(tmp_path / "demo")
    assert (tmp_path / "demo" / "thesis.txt").exists()


def test_shuffling_keeps_every_line_and_repeats_some(tmp_path: Path) -> None:
    shuffle(FLIGHTS, tmp_path / "mixed")
    lines = (tmp_path / "mixed").read_bytes().splitlines()
    count = json.loads(EXPECTED.read_bytes())["events"]
    assert len(lines) == count + round(count * REPEATED)
    assert len(set(lines)) == count
    first = [json.loads(line)["type"] for line in lines[:100]]
    assert len(set(first)) > 1


def test_fingerprint_depends_on_each_link_and_not_on_their_order() -> None:
    links = [
        {"child": "f1", "parent": "ORD", "state": "linked"},
        {"child": "f2", "parent": "SJU", "state": "waiting"},
    ]
    assert fingerprint("dest", links) == fingerprint("dest", links[::-1])
    assert fingerprint("dest", links) != fingerprint("dest", [links[0], {**links[1], "state": "linked"}])


PROGRESS = {"total": 3, "confirmed": 0, "skipped": 0, "parked": 0}


def operations(play: Play, *answers: dict[str, Any]) -> Any:
    """A stage whose Tether gives these answers about an operation in order, then repeats the last one."""
    left = list(answers)

    async def request(*_: object) -> dict[str, Any]:
        return left.pop(0) if len(left) > 1 else left[0]

    return SimpleNamespace(play=play, tether=SimpleNamespace(request=request))


async def test_operation_is_watched_until_it_has_ended(play: Play) -> None:
    running = {"state": "running", "progress": {**PROGRESS, "confirmed": 1}}
    done = {"state": "done", "progress": {**PROGRESS, "confirmed": 2, "skipped": 1}}
    assert await watched(operations(play, running, running, done), "id") == done
    assert "running: 1 confirmed of 3" in output(play)
    assert "done: 2 confirmed, 1 skipped of 3" in output(play)


async def test_operation_is_watched_until_enough_children_are_confirmed(play: Play) -> None:
    none, two = ({"state": "running", "progress": {**PROGRESS, "confirmed": done}} for done in (0, 2))
    assert await watched(operations(play, none, none, two), "id", done=2) == two


async def test_timeout_of_a_watched_operation_names_it(play: Play) -> None:
    waiting = {"state": "waiting", "progress": PROGRESS}
    with pytest.raises(StepTimedOut, match="waited 0 s for operation id"):
        await watched(operations(play, waiting), "id", within=0)


async def test_counts_of_requests_leave_out_those_of_the_demo() -> None:
    commands = [
        {"key": key, "attempts": attempts, "effects": effects}
        for key, attempts, effects in (("a", 3, 1), ("b", 2, 1), ("c", 1, 0), ("demo/t1", 7, 1))
    ]

    async def get(_: str, params: dict[str, str]) -> Any:
        page = [one for one in commands if str(one["key"]) > params["after"]][:2]
        return SimpleNamespace(json=lambda: {"items": page})

    on: Any = SimpleNamespace(teams=SimpleNamespace(http=SimpleNamespace(get=get)))
    assert await counted(on) == Counted(attempts=6, effects=2, most=1)


async def test_team_repeats_its_request_until_it_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: dict[str, list[httpx2.ConnectError | httpx2.Response]] = {
        "t1": [httpx2.ConnectError("away"), httpx2.Response(503), httpx2.Response(429)],
        "t2": [],
    }
    accepted = []

    async def enter(_: Any, team: str, event: str) -> None:
        if answers[team]:
            answer = answers[team].pop(0)
            if isinstance(answer, httpx2.ConnectError):
                raise answer
            request = httpx2.Request("POST", "http://teams/teams")
            raise httpx2.HTTPStatusError("no", request=request, response=answer)
        accepted.append((team, event))

    monkeypatch.setattr(festival, "enter", enter)
    monkeypatch.setattr(festival, "PAUSE", 0)
    on: Any = None
    await festival.in_turns(on, ["t1", "t2"])
    assert sorted(accepted) == [("t1", festival.FESTIVAL), ("t2", festival.FESTIVAL)]


async def test_refused_team_does_not_repeat_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async def enter(*_: Any) -> None:
        request = httpx2.Request("POST", "http://teams/teams")
        raise httpx2.HTTPStatusError("no", request=request, response=httpx2.Response(409))

    monkeypatch.setattr(festival, "enter", enter)
    on: Any = None
    with pytest.raises(httpx2.HTTPStatusError):
        await festival.in_turns(on, ["t1"])
