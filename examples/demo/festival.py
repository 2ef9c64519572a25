"""Situation 3, its heart: a festival is called off, and its teams' owner misbehaves, goes away and comes back."""

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
"""Teams that are deleted when their owner goes away."""
AT_ONCE = 20
"""Teams that enter at the same time."""
TRIES, PAUSE = 200, 0.1
"""How often a team tries to enter, and the seconds between two attempts."""


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
    """What Teams has counted of the requests of others than its users: by Idempotency-Key, attempts and effects."""

    attempts: int
    effects: int
    most: int
    """Effects of one key, at most."""


async def play(on: Stage) -> None:
    """Everything at once, and at the end each team was deleted exactly once."""
    on.play.situation(
        "A festival is called off",
        f"{ENTERED} teams, {LATE} more that come late, {LEAVING} that leave in time, and an owner at its worst.",
    )
    await entered(on)
    before = await counted(on)
    id = await deleted_while_teams_misbehaves(on)
    on.play.say(f"{LATE} more teams try to enter for it all the while, until they are heard")
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
    """The festival, and its teams."""
    for event in (FESTIVAL, ELSEWHERE):
        await announce(on, event)
    on.play.say(f"POST /teams at Teams, {ENTERED} times: teams enter for the festival {FESTIVAL}")
    await in_turns(on, [f"summer-{number:03}" for number in range(ENTERED)])
    await on.play.reaches("links of the festival", ENTERED, partial(linked, on, FESTIVAL))


async def deleted_while_teams_misbehaves(on: Stage) -> str:
    """Returns the operation."""
    ways = ", ".join(name.replace("_", " ") for name in BADLY)
    on.play.say(f"PUT /misbehaviour at Teams, for requests and for facts: {ways}, {SHARE:.0%} each")
    (await on.teams.http.put("/misbehaviour", json=BADLY)).raise_for_status()
    on.play.say(f"DELETE /v1/entities/event/{FESTIVAL} at Tether; then GET /v1/operations/…, again and again")
    begun = await on.tether.ask("DELETE", f"entities/event/{FESTIVAL}", "operate")
    on.play.say(f"Temporal shows it at {begun['workflow']['url']}")
    return str(begun["id"])


async def away_and_back(on: Stage, id: str) -> None:
    """What keeps an operation from going on can be seen while it does."""
    struck = (await on.teams.http.get("/misbehaviour")).json()["struck"]
    on.play.check("Teams has misbehaved in every way", sorted(BADLY), sorted(way for way in struck if struck[way]))
    await on.teams.stop()
    on.play.say("Teams is stopped")
    try:
        stuck = await on.play.until("the operation to be stuck", partial(kept, on, id))
        on.play.check("an operation whose owner is away is", "running", stuck["state"])
        on.play.check("since when it is stuck, and why", True, bool(stuck["stuck_since"] and stuck["reason"]))
        on.play.quote(stuck["reason"])
    finally:
        await on.teams.start()
    on.play.say("Teams is started again, and behaves")


async def some_leave_in_time(on: Stage) -> list[str]:
    """The teams that are elsewhere before anybody has come to them."""
    leaving = (await keys_in(on, FESTIVAL))[-LEAVING:]
    on.play.say(f"POST /teams/…/moves at Teams: {len(leaving)} teams that are still there leave for {ELSEWHERE}")
    await asyncio.gather(*(left_for(on, team) for team in leaving))
    left = await keys_in(on, ELSEWHERE)
    on.play.check("some leave in time", True, bool(left))
    return left


async def the_end(on: Stage, id: str, left: Sequence[str]) -> None:
    """Nothing is left of the festival, and nothing else is touched."""
    await watched(on, id)
    # The last that came late may be on their way still: the operation then goes on.
    done = ("done", ENTERED + LATE - len(left))
    await on.play.reaches("the deletion is", done, partial(standing, on, id))
    on.play.check("teams of the festival at Teams", 0, await teams_in(on, FESTIVAL))
    on.play.check("links of the festival", 0, await linked(on, FESTIVAL))
    on.play.check("who left in time is untouched", list(left), await keys_in(on, ELSEWHERE))
    await on.play.reaches("and linked elsewhere", ["linked"] * len(left), partial(states, on, ELSEWHERE))


async def exactly_once(on: Stage, before: Counted, wanted: int) -> None:
    """By what Teams itself has counted."""
    now = await counted(on)
    attempts, effects = now.attempts - before.attempts, now.effects - before.effects
    on.play.say(f"GET /commands at Teams: it was asked {attempts} times, with {effects} effects")
    on.play.check("teams that Teams has deleted for Tether", wanted, effects)
    on.play.check("effects that one Idempotency-Key ever had, at most", 1, now.most)
    on.play.check("it was asked more often than it did something", True, attempts > effects)


async def too_late(on: Stage, id: str) -> None:
    """The deletion goes on whenever somebody enters for what is gone."""
    before = (await operation(on, id))["progress"]["confirmed"]
    on.play.say("POST /teams at Teams: one more team enters for the festival that is no more")
    await enter(on, "summer-too-late", FESTIVAL)
    await on.play.reaches("teams of the festival at Teams, soon after", 0, partial(teams_in, on, FESTIVAL))
    await on.play.reaches("the same operation has seen to it", ("done", before + 1), partial(standing, on, id))


async def in_turns(on: Stage, teams: Sequence[str]) -> None:
    """Teams enter for the festival, some at once, each as often as it takes to be answered."""
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
            raise RuntimeError(f"Teams did not take in {team}, {TRIES} times")

    await asyncio.gather(*map(one, teams))


async def left_for(on: Stage, team: str) -> None:
    """A team leaves, unless it has just been deleted."""
    try:
        await move_at_teams(on, team, ELSEWHERE)
    except httpx2.HTTPStatusError as error:
        if error.response.status_code != 410:
            raise


async def counted(on: Stage) -> Counted:
    """Without what the demo itself asked for."""
    found: list[Json] = []
    after = ""
    while page := (await on.teams.http.get("/commands", params={"after": after})).json()["items"]:
        found += page
        after = page[-1]["key"]
    found = [one for one in found if not one["key"].startswith("demo/")]
    attempts, effects = (sum(one[name] for one in found) for name in ("attempts", "effects"))
    return Counted(attempts, effects, max((one["effects"] for one in found), default=0))


async def linked(on: Stage, event: str) -> int:
    """How many links an event has."""
    return len(await on.tether.links(REL, parent=event))


async def kept(on: Stage, id: str) -> Json | None:
    """The operation, once it says that nobody answers at Teams."""
    found = await operation(on, id)
    return found if "ConnectError" in found["reason"] else None


async def standing(on: Stage, id: str) -> tuple[str, int] | None:
    """State of an operation that has ended, and how many children are done."""
    found = await ended(on, id)
    return (found["state"], found["progress"]["confirmed"]) if found else None
