"""Situation 3, its first half: teams before their event, moved by their owner and through Tether, and called off."""

from functools import partial
from typing import Any
from urllib.parse import quote

from examples.demo.groups_and_channels import posted
from examples.demo.operations import ended, state
from examples.demo.stage import Stage
from examples.demo.tether import Json, fact

REL = "event_team"


async def play(on: Stage) -> None:
    """One team's way through several events, and what becomes of those that stay."""
    on.play.situation(
        "Teams and events",
        "A team knows its event as a mere text; Events knows of no team. Who moves a team, and who clears up, is here.",
    )
    await teams_before_their_event(on)
    await a_move_by_teams(on)
    await a_move_that_waits(on)
    await back_and_forth(on)
    await a_refused_move(on)
    await called_off(on)


async def teams_before_their_event(on: Stage) -> None:
    """They are kept, and so is a place for the event."""
    on.play.say("POST /teams at Teams: tigers and lions, in the event cup, of which nobody has told")
    for team in ("tigers", "lions"):
        await enter(on, team, "cup")
    await on.play.reaches("teams before their event: the links are", ["waiting"] * 2, partial(states, on, "cup"))
    (wait,) = await on.tether.waiting(relationship=REL)
    found = {name: wait[name] for name in ("parent", "waiting_for", "children")}
    on.play.check(
        "what is waited for",
        {"parent": "cup", "waiting_for": {"owner": "events", "kind": "event", "key": "cup"}, "children": 2},
        found,
    )
    on.play.quote((await on.tether.why(REL, "tigers"))["sentence"])
    on.play.say("POST /events at Events: announce the cup")
    await announce(on, "cup")
    await on.play.reaches("once the event is there, the links are", ["linked"] * 2, partial(states, on, "cup"))


async def a_move_by_teams(on: Stage) -> None:
    """What an owner decides by itself is a fact, and a fact is all it takes."""
    await announce(on, "league")
    on.play.say("POST /teams/tigers/moves at Teams: its users let the tigers play in the league")
    await move_at_teams(on, "tigers", "league")
    await on.play.reaches("TeamMoved alone moves the link", ("league", "linked"), partial(place, on, "tigers"))
    moves = (await on.tether.ask("GET", "operations", query={"kind": "move"}))["items"]
    on.play.check("operations and workflows that this took", 0, len(moves))


async def a_move_that_waits(on: Stage) -> None:
    """A move that is asked of Tether, to where there is nothing yet."""
    on.play.say("POST …/event_team/moves: the tigers are to play in the final, of which nobody has told yet")
    id = (await move(on, "tigers", "final"))["id"]
    on.play.check("until the final is there the move is", "waiting", await state(on, id))
    on.play.check("and the link is as it was", ("league", "linked"), await place(on, "tigers"))
    on.play.say("POST /events at Events: announce the final")
    await announce(on, "final")
    await on.play.reaches("then the move is", "done", partial(state, on, id))
    on.play.check("the link is", ("final", "linked"), await place(on, "tigers"))
    on.play.check("Teams was asked, and has done it", "final", (await team(on, "tigers"))["event_id"])


async def back_and_forth(on: Stage) -> None:
    """There, back and there again: each is a move of its own, and none is taken for another."""
    on.play.say("POST …/event_team/moves, three times: the tigers go to the cup, back to the final, and to the cup")
    before = (await team(on, "tigers"))["version"]
    found = []
    for to in ("cup", "final", "cup"):
        id = (await move(on, "tigers", to))["id"]
        end = await on.play.until(f"the move to {to}", partial(ended, on, id))
        found.append((end["state"], *await place(on, "tigers")))
    wanted = [("done", "cup", "linked"), ("done", "final", "linked"), ("done", "cup", "linked")]
    on.play.check("there, back and there again", wanted, found)
    on.play.check("moves that Teams made of them", 3, (await team(on, "tigers"))["version"] - before)


async def a_refused_move(on: Stage) -> None:
    """Tether decides nothing: who owns the team does."""
    on.play.say("Teams tells of a team phoenix, and then goes back to a backup that knows no phoenix")
    phoenix = fact("teams", "TeamCreated.v1", "phoenix", 1, {"name": "Phoenix", "event_id": "league"})
    await on.tether.publish(phoenix)
    on.play.say("POST …/event_team/moves: the phoenix is to play in the final")
    id = (await move(on, "phoenix", "final"))["id"]
    end = await on.play.until("the end of the move", partial(ended, on, id))
    on.play.check("a move that its owner does not make is", "refused", end["state"])
    on.play.check("nothing has changed", ("league", "linked"), await place(on, "phoenix"))
    on.play.quote(end["reason"])


async def called_off(on: Stage) -> None:
    """An owner deletes what has children, and asks nobody."""
    await announce(on, "picnic")
    for number in range(3):
        await enter(on, f"picnic-{number}", "picnic")
    await on.play.reaches("a picnic, and the links of its teams", ["linked"] * 3, partial(states, on, "picnic"))
    on.play.say("DELETE /events/picnic at Events, which knows of no teams")
    await posted(on.events.http.delete("/events/picnic"))
    await on.play.reaches("EventDeleted alone: teams of it at Teams", 0, partial(teams_in, on, "picnic"))
    begun = await on.play.until("the end of what Tether began", partial(cascade, on, "picnic"))
    found = {"by": begun["actor"], "total": begun["progress"]["total"], "done": begun["progress"]["confirmed"]}
    on.play.check("Tether's own operation", {"by": "/tether", "total": 3, "done": 3}, found)
    on.play.check("links that are left", [], await states(on, "picnic"))


async def announce(on: Stage, event: str) -> None:
    """An event, at Events, as its users announce it."""
    body = {"id": event, "name": event.capitalize()}
    await posted(on.events.http.post("/events", json=body, headers={"idempotency-key": f"demo/{event}"}))


async def enter(on: Stage, team: str, event: str) -> None:
    """A team, at Teams, as its users enter it for an event."""
    body = {"id": team, "name": team.capitalize(), "event_id": event}
    await posted(on.teams.http.post("/teams", json=body, headers={"idempotency-key": f"demo/{team}"}))


async def move_at_teams(on: Stage, team: str, event: str) -> None:
    """A move that Teams' own users make."""
    key = {"idempotency-key": f"demo/{team}/{event}"}
    await posted(on.teams.http.post(f"/teams/{team}/moves", json={"event_id": event}, headers=key))


async def move(on: Stage, team: str, event: str) -> Json:
    """A move that is asked of Tether: the operation."""
    return await on.tether.ask("POST", f"relationships/{REL}/moves", "operate", body={"child": team, "to": event})


async def team(on: Stage, key: str) -> Json:
    """What Teams says of it."""
    answer = await on.teams.http.get(f"/teams/{quote(key)}")
    answer.raise_for_status()
    return dict(answer.json())


async def keys_in(on: Stage, event: str) -> list[str]:
    """The teams that Teams has in an event; a thousand at most."""
    found = await on.teams.http.get("/teams", params={"event_id": event, "limit": 1000})
    found.raise_for_status()
    return [one["id"] for one in found.json()["items"]]


async def teams_in(on: Stage, event: str) -> int:
    """How many teams Teams has in an event."""
    return len(await keys_in(on, event))


async def states(on: Stage, event: str) -> list[str]:
    """The states of an event's links."""
    return [link["state"] for link in await on.tether.links(REL, parent=event)]


async def place(on: Stage, team: str) -> tuple[Any, Any]:
    """Event and state of a team's link."""
    link = await on.tether.link(REL, team)
    return link.get("parent"), link.get("state")


async def cascade(on: Stage, event: str) -> Json | None:
    """The operation that Tether began by itself for an event that is gone, once it has ended."""
    found = (await on.tether.ask("GET", "operations", query={"kind": "cascade", "state": "done"}))["items"]
    return next((one for one in found if one["entity"] == {"kind": "event", "key": event}), None)
