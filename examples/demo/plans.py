"""Situation 3: what a deletion would touch is shown before it is done, and then exactly that is done."""

from functools import partial

from examples.demo.operations import ended
from examples.demo.stage import Stage
from examples.demo.teams_and_events import announce, enter, states, teams_in
from examples.demo.tether import Json, Refusal

FESTIVAL = "spring"
ENTERED = 5


async def play(on: Stage) -> None:
    """Previewed, outdated, previewed anew, executed."""
    on.play.situation(
        "Plans", "A plan says what would be done, as of a revision. To execute it does that, and nothing else."
    )
    await announce(on, FESTIVAL)
    for number in range(ENTERED):
        await enter(on, f"spring-{number}", FESTIVAL)
    await on.play.reaches("links of the festival", ["linked"] * ENTERED, partial(states, on, FESTIVAL))
    outdated = await previewed(on)
    await newcomers_are_noticed(on, outdated)
    await executed(on, outdated)


async def previewed(on: Stage) -> Json:
    """Counts, owners, hash; nothing is done."""
    on.play.say(f"POST /v1/plans: what would the deletion of event {FESTIVAL} come to?")
    plan = await planned(on)
    on.play.check("children that are concerned, by owner and command", concerned(ENTERED), parts(plan))
    on.play.check("its hash stands for exactly this set", (await planned(on))["hash"], plan["hash"])
    on.play.check("nothing was done: teams at Teams", ENTERED, await teams_in(on, FESTIVAL))
    return plan


async def newcomers_are_noticed(on: Stage, plan: Json) -> None:
    """What was previewed is not what would be done any more."""
    on.play.say("Another team enters; the plan is executed all the same")
    await enter(on, "spring-late", FESTIVAL)
    await on.play.reaches("links now", ["linked"] * (ENTERED + 1), partial(states, on, FESTIVAL))
    try:
        await on.tether.ask("POST", f"plans/{plan['id']}/execution", "operate")
        status = 202
    except Refusal as refusal:
        status = refusal.status
        on.play.quote(str(refusal.problem["detail"]))
    on.play.check("a plan that more is concerned by than it says is refused with", 409, status)
    on.play.check("nothing was done: teams at Teams", ENTERED + 1, await teams_in(on, FESTIVAL))


async def executed(on: Stage, outdated: Json) -> None:
    """A new plan, and what it said comes about."""
    plan = await planned(on)
    on.play.check("a new plan names", concerned(ENTERED + 1), parts(plan))
    on.play.check("another set has another hash", True, plan["hash"] != outdated["hash"])
    on.play.say("POST /v1/plans/{id}/execution")
    operation = await on.tether.ask("POST", f"plans/{plan['id']}/execution", "operate")
    end = await on.play.until("the end of the deletion", partial(ended, on, operation["id"]))
    found = {"state": end["state"], "total": end["progress"]["total"], "done": end["progress"]["confirmed"]}
    on.play.check("executed", {"state": "done", "total": ENTERED + 1, "done": ENTERED + 1}, found)
    gone = await on.events.http.get(f"/events/{FESTIVAL}")
    on.play.check("the event is gone at Events", 410, gone.status_code)
    on.play.check("teams of it at Teams", 0, await teams_in(on, FESTIVAL))


async def planned(on: Stage) -> Json:
    """A plan of the festival's deletion, as of now."""
    return await on.tether.ask("POST", "plans", "operate", body={"delete": {"kind": "event", "key": FESTIVAL}})


def parts(plan: Json) -> list[Json]:
    """Whom it concerns: owner, command and number of children."""
    return [{name: part[name] for name in ("owner", "command", "children")} for part in plan["parts"]]


def concerned(children: int) -> list[Json]:
    """The parts of a festival with so many teams."""
    return [{"owner": "teams", "command": "DeleteTeam", "children": children}]
