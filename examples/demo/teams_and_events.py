"""Situation 3, first half: teams that arrive before their event, moves by the owner and by Tether, and a deletion."""

from functools import partial
from typing import Any
from urllib.parse import quote

from examples.demo.groups_and_channels import posted
from examples.demo.operations import ended, state
from examples.demo.stage import Stage
from examples.demo.tether import Json, fact

REL = "event_team"


async def play(on: Stage) -> None:
    """Moves one team through several events, then deletes an event that has teams."""
    on.play.situation(
        "Teams and events",
        "Teams stores the key of an event as a text; Events does not know about teams. Tether moves and deletes teams.",
    )
    await teams_before_their_event(on)
    await move_by_the_owner(on)
    await move_that_waits(on)
    await moves_back_and_forth(on)
    await refused_move(on)
    await event_deleted_by_its_owner(on)


async def teams_before_their_event(on: Stage) -> None:
    """The teams are stored, with a placeholder for their unknown event."""
    on.play.say("POST /teams at Teams: tigers and lions, in the event cup, about which no fact was published yet")
    for team in ("tigers", "lions"):
        await enter(on, team, "cup")
    await on.play.reaches(
        "states of the links of teams without their event", ["waiting"] * 2, partial(states, on, "cup")
    )
    (wait,) = await on.tether.waiting(relationship=REL)
    found = {name: wait[name] for name in ("parent", "waiting_for", "children")}
    on.play.check(
        "the wait",
        {"parent": "cup", "waiting_for": {"owner": "events", "kind": "event", "key": "cup"}, "children": 2},
        found,
    )
    on.play.quote((await on.tether.why(REL, "tigers"))["sentence"])
    on.play.say("POST /events at Events: create the cup")
    await announce(on, "cup")
    await on.play.reaches("after EventCreated, states of the links", ["linked"] * 2, partial(states, on, "cup"))


async def move_by_the_owner(on: Stage) -> None:
    """A user moves a team at its owner: the fact TeamMoved alone moves the link, without an operation."""
    await announce(on, "league")
    on.play.say("POST /teams/tigers/moves at Teams: move the tigers to the league")
    await move_at_teams(on, "tigers", "league")
    await on.play.reaches(
        "after TeamMoved, event and state of the link", ("league", "linked"), partial(place, on, "tigers")
    )
    moves = (await on.tether.request("GET", "operations", query={"kind": "move"}))["items"]
    on.play.check("number of operations for this move", 0, len(moves))


async def move_that_waits(on: Stage) -> None:
    """Requests a move from Tether to an event that does not exist yet: the operation waits for it."""
    on.play.say("POST …/event_team/moves: move the tigers to the final, about which no fact was published yet")
    id = (await move(on, "tigers", "final"))["id"]
    on.play.check("state of the move until the final exists", "waiting", await state(on, id))
    on.play.check("event and state of the link meanwhile", ("league", "linked"), await place(on, "tigers"))
    on.play.say("POST /events at Events: create the final")
    await announce(on, "final")
    await on.play.reaches("state of the move now", "done", partial(state, on, id))
    on.play.check("event and state of the link now", ("final", "linked"), await place(on, "tigers"))
    on.play.check("event of the team at Teams", "final", (await team(on, "tigers"))["event_id"])


async def moves_back_and_forth(on: Stage) -> None:
    """Moves a team to an event, back and to it again: each request is a separate operation with its own effect."""
    on.play.say("POST …/event_team/moves, three times: move the tigers to the cup, to the final, and to the cup again")
    before = (await team(on, "tigers"))["version"]
    found = []
    for to in ("cup", "final", "cup"):
        id = (await move(on, "tigers", to))["id"]
        end = await on.play.until(f"the move to {to}", partial(ended, on, id))
        found.append((end["state"], *await place(on, "tigers")))
    wanted = [("done", "cup", "linked"), ("done", "final", "linked"), ("done", "cup", "linked")]
    on.play.check("states of the moves, and the link after each", wanted, found)
    on.play.check("moves that Teams has made", 3, (await team(on, "tigers"))["version"] - before)


async def refused_move(on: Stage) -> None:
    """The owner refuses a move, so the operation ends as refused and the link stays."""
    on.play.say("EventCreated of the event “open day” is published, but Teams takes no keys with a space")
    await on.tether.publish(fact("events", "EventCreated.v1", "open day", 1, {"name": "Open day"}))
    on.play.say("POST …/event_team/moves: move the tigers to the open day")
    id = (await move(on, "tigers", "open day"))["id"]
    end = await on.play.until("the end of the move", partial(ended, on, id))
    on.play.check("state of a move that the owner refuses", "refused", end["state"])
    on.play.check("event and state of the link", ("cup", "linked"), await place(on, "tigers"))
    on.play.quote(end["reason"])


async def event_deleted_by_its_owner(on: Stage) -> None:
    """An owner deletes an event that has teams: Tether begins a cascade that deletes them."""
    await announce(on, "picnic")
    for number in range(3):
        await enter(on, f"picnic-{number}", "picnic")
    await on.play.reaches("states of the links of the picnic", ["linked"] * 3, partial(states, on, "picnic"))
    on.play.say("DELETE /events/picnic at Events, which does not know about teams")
    await posted(on.events.http.delete("/events/picnic"))
    await on.play.reaches("after EventDeleted, number of its teams at Teams", 0, partial(teams_in, on, "picnic"))
    begun = await on.play.until("the end of the cascade", partial(cascade, on, "picnic"))
    found = {"by": begun["actor"], "total": begun["progress"]["total"], "done": begun["progress"]["confirmed"]}
    on.play.check("the operation that Tether began", {"by": "/tether", "total": 3, "done": 3}, found)
    on.play.check("states of the remaining links", [], await states(on, "picnic"))


async def announce(on: Stage, event: str) -> None:
    """Creates an event at Events. Raises HTTPStatusError."""
    body = {"id": event, "name": event.capitalize()}
    await posted(on.events.http.post("/events", json=body, headers={"idempotency-key": f"demo/{event}"}))


async def enter(on: Stage, team: str, event: str) -> None:
    """Creates a team in an event at Teams. Raises HTTPStatusError."""
    body = {"id": team, "name": team.capitalize(), "event_id": event}
    await posted(on.teams.http.post("/teams", json=body, headers={"idempotency-key": f"demo/{team}"}))


async def move_at_teams(on: Stage, team: str, event: str) -> None:
    """Moves a team to another event at Teams. Raises HTTPStatusError."""
    key = {"idempotency-key": f"demo/{team}/{event}"}
    await posted(on.teams.http.post(f"/teams/{team}/moves", json={"event_id": event}, headers=key))


async def move(on: Stage, team: str, event: str) -> Json:
    """Requests a move from Tether; returns the operation."""
    return await on.tether.request("POST", f"relationships/{REL}/moves", "operate", body={"child": team, "to": event})


async def team(on: Stage, key: str) -> Json:
    """The team, as Teams answers. Raises HTTPStatusError."""
    answer = await on.teams.http.get(f"/teams/{quote(key)}")
    answer.raise_for_status()
    return dict(answer.json())


async def keys_in(on: Stage, event: str) -> list[str]:
    """Keys of the teams in an event at Teams, at most 1000. Raises HTTPStatusError."""
    found = await on.teams.http.get("/teams", params={"event_id": event, "limit": 1000})
    found.raise_for_status()
    return [one["id"] for one in found.json()["items"]]


async def teams_in(on: Stage, event: str) -> int:
    """Number of teams in an event at Teams."""
    return len(await keys_in(on, event))


async def states(on: Stage, event: str) -> list[str]:
    """The states of an event's links."""
    return [link["state"] for link in await on.tether.links(REL, parent=event)]


async def place(on: Stage, team: str) -> tuple[Any, Any]:
    """(event, state) of a team's link; (None, None) if it has none."""
    link = await on.tether.link(REL, team)
    return link.get("parent"), link.get("state")


async def cascade(on: Stage, event: str) -> Json | None:
    """The cascade that Tether began for a deleted event, once it is done; None before."""
    found = (await on.tether.request("GET", "operations", query={"kind": "cascade", "state": "done"}))["items"]
    return next((one for one in found if one["entity"] == {"kind": "event", "key": event}), None)
