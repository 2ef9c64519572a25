"""Situation 3: a plan previews which teams the deletion of an event deletes; executing it deletes exactly these."""

from functools import partial

from examples.demo.operations import ended
from examples.demo.stage import Stage
from examples.demo.teams_and_events import announce, enter, states, teams_in
from examples.demo.tether import Json, Refusal

FESTIVAL = "spring"
ENTERED = 5


async def play(on: Stage) -> None:
    """Creates a plan, makes it outdated, creates it again and executes it."""
    on.play.situation(
        "Plans", "A plan is the preview of an operation, as of a revision. Executing it does exactly what it names."
    )
    await announce(on, FESTIVAL)
    for number in range(ENTERED):
        await enter(on, f"spring-{number}", FESTIVAL)
    await on.play.reaches("states of the links of the festival", ["linked"] * ENTERED, partial(states, on, FESTIVAL))
    outdated = await previewed(on)
    await outdated_plan_is_refused(on, outdated)
    await executed(on, outdated)


async def previewed(on: Stage) -> Json:
    """A plan of the deletion: counts by owner and command, and a hash. It changes nothing."""
    on.play.say(f"POST /v1/plans: preview the deletion of event {FESTIVAL}")
    plan = await planned(on)
    on.play.check("children in the plan, by owner and command", concerned(ENTERED), parts(plan))
    on.play.check("a second plan of the same set has the same hash", (await planned(on))["hash"], plan["hash"])
    on.play.check("number of teams at Teams, of which none was deleted", ENTERED, await teams_in(on, FESTIVAL))
    return plan


async def outdated_plan_is_refused(on: Stage, plan: Json) -> None:
    """A plan cannot be executed when the deletion would now concern a team that it does not name."""
    on.play.say("Another team enters; then the outdated plan is executed")
    await enter(on, "spring-late", FESTIVAL)
    await on.play.reaches("states of the links now", ["linked"] * (ENTERED + 1), partial(states, on, FESTIVAL))
    try:
        await on.tether.request("POST", f"plans/{plan['id']}/execution", "operate")
        status = 202
    except Refusal as refusal:
        status = refusal.status
        on.play.quote(str(refusal.problem["detail"]))
    on.play.check("HTTP status of executing a plan that misses a team", 409, status)
    on.play.check("number of teams at Teams, of which none was deleted", ENTERED + 1, await teams_in(on, FESTIVAL))


async def executed(on: Stage, outdated: Json) -> None:
    """Executes a new plan, and checks that it deleted exactly what it named."""
    plan = await planned(on)
    on.play.check("children in the new plan", concerned(ENTERED + 1), parts(plan))
    on.play.check("another set has another hash", True, plan["hash"] != outdated["hash"])
    on.play.say("POST /v1/plans/{id}/execution")
    operation = await on.tether.request("POST", f"plans/{plan['id']}/execution", "operate")
    end = await on.play.until("the end of the deletion", partial(ended, on, operation["id"]))
    found = {"state": end["state"], "total": end["progress"]["total"], "done": end["progress"]["confirmed"]}
    on.play.check("the operation", {"state": "done", "total": ENTERED + 1, "done": ENTERED + 1}, found)
    answer = await on.events.http.get(f"/events/{FESTIVAL}")
    on.play.check("HTTP status of the event at Events", 410, answer.status_code)
    on.play.check("number of its teams at Teams", 0, await teams_in(on, FESTIVAL))


async def planned(on: Stage) -> Json:
    """Creates a plan of the festival's deletion, as of now."""
    return await on.tether.request("POST", "plans", "operate", body={"delete": {"kind": "event", "key": FESTIVAL}})


def parts(plan: Json) -> list[Json]:
    """Owner, command and number of children of each part of a plan."""
    return [{name: part[name] for name in ("owner", "command", "children")} for part in plan["parts"]]


def concerned(children: int) -> list[Json]:
    """The expected parts of a plan that deletes so many teams."""
    return [{"owner": "teams", "command": "DeleteTeam", "children": children}]
