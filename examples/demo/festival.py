"""Situation 3, main part: a festival is deleted while the owner of its teams fails, stops and is started again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import httpx2

from examples.demo.operations import ended, operation, watched
from examples.demo.stage import Stage
from examples.demo.teams_and_events import REL, announce, enter, keys_in, move_at_teams, states, teams_in
from examples.demo.tether import Json

FESTIVAL, ELSEWHERE = "summer", "autumn"
ENTERED, LATE, LEAVING = 300, 20, 10
FIRST = 60
"""Number of deleted teams after which their owner is stopped."""
AT_ONCE = 20
"""Requests to enter that are sent concurrently."""
TRIES, PAUSE = 200, 0.1
"""Attempts of a team to enter, and the seconds between two of them."""


SHARE = 0.3
BADLY = {
    "slow": {"share": SHARE, "seconds": 0.1},
    "busy": {"share": SHARE, "retry_after": 1},
    "dropped": SHARE,
    "unavailable_before": SHARE,
    "unavailable_after": SHARE,
    "duplicated": SHARE,
    "reordered": SHARE,
}


@dataclass(frozen=True)
class Counted:
    """Requests that Teams counted, without those of the demo itself: sums over all Idempotency-Keys."""

    attempts: int
    effects: int
    most: int
    """Most effects that one key had."""


async def play(on: Stage) -> None:
    """Deletes the festival under every kind of failure, and checks that each team was deleted exactly once."""
    on.play.situation(
        "A festival is deleted",
        f"{ENTERED} teams, {LATE} that enter late, {LEAVING} that leave in time, and an owner that fails in every way.",
    )
    await entered(on)
    before = await counted(on)
    id = await deleted_while_teams_misbehaves(on)
    on.play.say(f"Meanwhile {LATE} more teams enter the festival; each repeats its request until Teams accepts it")
    late = asyncio.create_task(in_turns(on, [f"summer-late-{number:02}" for number in range(LATE)]))
    try:
        await watched(on, id, done=FIRST)
        await away_and_back(on, id)
        left = await some_leave_in_time(on)
        await late
    finally:
        late.cancel()
    await the_end(on, id, left)
    await exactly_once(on, before, ENTERED + LATE - len(left))
    await too_late(on, id)


async def entered(on: Stage) -> None:
    """Creates the festival, another event, and the teams of the festival."""
    for event in (FESTIVAL, ELSEWHERE):
        await announce(on, event)
    on.play.say(f"POST /teams at Teams, {ENTERED} times: teams enter the festival {FESTIVAL}")
    await in_turns(on, [f"summer-{number:03}" for number in range(ENTERED)])
    await on.play.reaches("number of links of the festival", ENTERED, partial(linked, on, FESTIVAL))


async def deleted_while_teams_misbehaves(on: Stage) -> str:
    """Deletes the festival through Tether while Teams fails at random. Returns the operation's id."""
    ways = ", ".join(name.replace("_", " ") for name in BADLY)
    on.play.say(f"PUT /misbehaviour at Teams, for requests and facts: {ways}, with a probability of {SHARE:.0%} each")
    (await on.teams.http.put("/misbehaviour", json=BADLY)).raise_for_status()
    on.play.say(f"DELETE /v1/entities/event/{FESTIVAL} at Tether, then GET /v1/operations/… repeatedly")
    begun = await on.tether.request("DELETE", f"entities/event/{FESTIVAL}", "operate")
    on.play.say(f"Temporal shows it at {begun['workflow']['url']}")
    return str(begun["id"])


async def away_and_back(on: Stage, id: str) -> None:
    """Stops the owner and starts it again. While it is stopped, the operation shows since when and why it is stuck."""
    struck = (await on.teams.http.get("/misbehaviour")).json()["struck"]
    on.play.check("ways in which Teams has misbehaved", sorted(BADLY), sorted(way for way in struck if struck[way]))
    await on.teams.stop()
    on.play.say("Teams is stopped")
    try:
        stuck = await on.play.until("the operation to be stuck", partial(stuck_operation, on, id))
        on.play.check("state of the operation while the owner is stopped", "running", stuck["state"])
        on.play.check("it shows since when it is stuck, and why", True, bool(stuck["stuck_since"] and stuck["reason"]))
        on.play.quote(stuck["reason"])
    finally:
        await on.teams.start()
    on.play.say("Teams is started again, without misbehaviour")


async def some_leave_in_time(on: Stage) -> list[str]:
    """Moves teams to another event before their deletion was requested. Returns the keys of those that were moved."""
    leaving = (await keys_in(on, FESTIVAL))[-LEAVING:]
    on.play.say(f"POST /teams/…/moves at Teams: {len(leaving)} remaining teams move to the event {ELSEWHERE}")
    await asyncio.gather(*(left_for(on, team) for team in leaving))
    left = await keys_in(on, ELSEWHERE)
    on.play.check("some teams have moved before they were deleted", True, bool(left))
    return left


async def the_end(on: Stage, id: str, left: Sequence[str]) -> None:
    """Checks that all teams of the festival are deleted, and no others."""
    await watched(on, id)
    # Facts about the last late teams may not have arrived yet: they make the operation continue.
    done = ("done", ENTERED + LATE - len(left))
    await on.play.reaches("state of the deletion, and its confirmed children", done, partial(outcome, on, id))
    on.play.check("number of its teams at Teams", 0, await teams_in(on, FESTIVAL))
    on.play.check("number of its links", 0, await linked(on, FESTIVAL))
    on.play.check("teams that moved in time still exist", list(left), await keys_in(on, ELSEWHERE))
    await on.play.reaches(
        "states of their links to the other event", ["linked"] * len(left), partial(states, on, ELSEWHERE)
    )


async def exactly_once(on: Stage, before: Counted, wanted: int) -> None:
    """Checks the attempts and effects that Teams itself has counted."""
    now = await counted(on)
    attempts, effects = now.attempts - before.attempts, now.effects - before.effects
    on.play.say(f"GET /commands at Teams: it received {attempts} requests, which had {effects} effects")
    on.play.check("teams that Teams has deleted for Tether", wanted, effects)
    on.play.check("most effects of one Idempotency-Key", 1, now.most)
    on.play.check("some requests were repeated without another effect", True, attempts > effects)


async def too_late(on: Stage, id: str) -> None:
    """A team that enters the deleted event is deleted by the same operation."""
    before = (await operation(on, id))["progress"]["confirmed"]
    on.play.say("POST /teams at Teams: one more team enters the deleted festival")
    await enter(on, "summer-too-late", FESTIVAL)
    await on.play.reaches("number of its teams at Teams, soon afterwards", 0, partial(teams_in, on, FESTIVAL))
    await on.play.reaches("the same operation has handled it", ("done", before + 1), partial(outcome, on, id))


async def in_turns(on: Stage, teams: Sequence[str]) -> None:
    """Enters teams for the festival, ``AT_ONCE`` concurrently; each repeats its request until it succeeds.

    Raises HTTPStatusError when a request is refused, RuntimeError after ``TRIES`` attempts.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(team: str) -> None:
        async with slots:
            for _ in range(TRIES):
                try:
                    return await enter(on, team, FESTIVAL)
                except httpx2.HTTPStatusError as error:
                    if error.response.status_code not in (429, 503):
                        raise
                    await asyncio.sleep(float(error.response.headers.get("retry-after", 0)))
                except httpx2.TransportError:
                    await asyncio.sleep(PAUSE)
            raise RuntimeError(f"Teams did not accept the team {team} in {TRIES} attempts")

    await asyncio.gather(*map(one, teams))


async def left_for(on: Stage, team: str) -> None:
    """Moves a team to the other event, unless it has just been deleted."""
    try:
        await move_at_teams(on, team, ELSEWHERE)
    except httpx2.HTTPStatusError as error:
        if error.response.status_code != 410:
            raise


async def counted(on: Stage) -> Counted:
    """Sums of the counts of Teams, without the keys of the demo's own requests."""
    found: list[Json] = []
    after = ""
    while page := (await on.teams.http.get("/commands", params={"after": after})).json()["items"]:
        found += page
        after = page[-1]["key"]
    found = [one for one in found if not one["key"].startswith("demo/")]
    attempts, effects = (sum(one[name] for one in found) for name in ("attempts", "effects"))
    return Counted(attempts, effects, max((one["effects"] for one in found), default=0))


async def linked(on: Stage, event: str) -> int:
    """Number of links of an event."""
    return len(await on.tether.links(REL, parent=event))


async def stuck_operation(on: Stage, id: str) -> Json | None:
    """The operation, once it reports that it cannot connect to Teams; None before."""
    found = await operation(on, id)
    return found if "ConnectError" in found["reason"] else None


async def outcome(on: Stage, id: str) -> tuple[str, int] | None:
    """(state, number of confirmed children) of an operation that has ended; None before."""
    found = await ended(on, id)
    return (found["state"], found["progress"]["confirmed"]) if found else None
