"""Situation 1: every group has a channel, and neither side knows of the other."""

import os
import signal
from collections.abc import Awaitable
from functools import partial

import httpx2

from examples.demo.stage import Stage
from examples.demo.tether import Json, Refusal, fact, taken
from facts.correlation import encode

REL = "group_channel"

NEVER = "night-owls"
"""A group that is never heard of: at the end, this alone still waits with an open workflow."""


async def play(on: Stage) -> None:
    """The happy way first, then everything that can go otherwise."""
    on.play.situation(
        "Groups and channels",
        "Two services with databases of their own. Groups never hears of channels, nor Channels of groups.",
    )
    chess = await a_group_alone(on)
    await a_channel_alone(on)
    await the_channel_first(on)
    await told_twice(on)
    await a_second_channel(on, chess)
    await renamed(on, chess)
    await channels_away(on)
    await the_worker_dies(on)
    await a_group_that_never_comes(on)


async def a_group_alone(on: Stage) -> str:
    """Returns the key of the channel that was made for it."""
    on.play.say("POST /groups at Groups: create “Chess club”. Nothing else is asked for")
    await create(on, "chess", "Chess club")
    link = await on.play.until("a channel for group chess", partial(link_of, on, "chess"))
    channel = str(link["child"])
    on.play.check("GroupCreated alone gets a channel, and the link is", "linked", link["state"])
    answer = (await on.channels.http.get(f"/channels/{channel}")).json()
    on.play.check("Channels was asked for", {"name": "Chess club"}, {"name": answer.get("name")})
    on.play.check("what Channels knows of its channel", ["id", "name", "version"], sorted(answer))
    await on.play.reaches(
        "GroupChannelLinked is announced in the feed", [("chess", channel)], partial(announced, on, "chess")
    )
    on.play.quote((await on.tether.why(REL, channel))["sentence"])
    return channel


async def a_channel_alone(on: Stage) -> None:
    """A channel that belongs to nobody."""
    on.play.say("POST /channels at Channels: create “Lobby”, which belongs to no group")
    await posted(on.channels.http.post("/channels", json={"id": "lobby", "name": "Lobby"}))
    lobby = await on.play.until("ChannelCreated of the lobby", partial(on.tether.entity, "channel", "lobby"))
    on.play.check("a channel without a group is", "live", lobby["state"])
    on.play.check("it has no link", {}, await on.tether.link(REL, "lobby"))
    on.play.check("it starts nothing: nothing is waited for", [], await waits(on))


async def the_channel_first(on: Stage) -> None:
    """The two facts as a replay may bring them: the answer before the question."""
    on.play.say("ChannelCreated for group birds is told to Tether before anybody has told of the group")
    token = (await on.tether.publish(channel_created("birds-talk", "Birdwatchers", "birds")))["token"]
    link = await on.tether.link(REL, "birds-talk", at_least=token)
    on.play.check("the channel's fact first, the link is", "waiting", link.get("state"))
    on.play.quote((await on.tether.why(REL, "birds-talk"))["sentence"])
    on.play.check("who owes the missing fact", [("birds", "parent", "groups")], await waits(on))
    on.play.say("GroupCreated of birds is told at last")
    token = (await on.tether.publish(group_created("birds", "Birdwatchers")))["token"]
    link = await on.tether.link(REL, "birds-talk", at_least=token)
    on.play.check("then the group's, the link is", "linked", link.get("state"))
    await on.play.reaches("it is announced", [("birds", "birds-talk")], partial(announced, on, "birds"))
    on.play.check("Channels was not asked for another one", 0, await channels_named(on, "Birdwatchers"))


async def told_twice(on: Stage) -> None:
    """At least once is what everybody's delivery is."""
    on.play.say("GroupCreated of books is told to Tether twice, byte for byte")
    event = group_created("books", "Book circle")
    first, second = await on.tether.publish(event), await on.tether.publish(event)
    on.play.check("told once", {"accepted": 1, "duplicates": 0}, taken(first))
    on.play.check("told again, byte for byte", {"accepted": 0, "duplicates": 1}, taken(second))
    await on.play.reaches("it has one channel, linked", ["linked"], partial(states, on, "books"))
    on.play.check("channels made for it at Channels", 1, await channels_named(on, "Book circle"))
    on.play.say("The same id again with another name")
    try:
        status = int(bool(await on.tether.publish({**event, "data": {"name": "Film circle"}})))
    except Refusal as refusal:
        status = refusal.status
    on.play.check("two bodies for one id are refused with", 409, status)


async def a_second_channel(on: Stage, channel: str) -> None:
    """One to one means one."""
    on.play.say("A second channel for group chess is told")
    token = (await on.tether.publish(channel_created("chess-too", "Chess, too", "chess")))["token"]
    found = {link["child"]: link["state"] for link in await on.tether.links(REL, parent="chess", at_least=token)}
    on.play.check(
        "two channels for one group are a visible conflict",
        {channel: "linked", "chess-too": "conflict"},
        dict(sorted(found.items(), key=lambda item: item[0] == "chess-too")),
    )
    on.play.quote((await on.tether.why(REL, "chess-too"))["sentence"])


async def renamed(on: Stage, channel: str) -> None:
    """A change of one side that is none of the other's business."""
    before = list((await on.tether.link(REL, channel)).values())
    on.play.say("PATCH /groups/chess at Groups: its name is “Chess society” now")
    await posted(on.groups.http.patch("/groups/chess", json={"name": "Chess society"}))
    await on.play.reaches("the group's name in Tether", "Chess society", partial(name_of_group, on, "chess"))
    on.play.check("its link is as it was", before, list((await on.tether.link(REL, channel)).values()))
    on.play.check("nothing is announced again", [("chess", channel)], await announced(on, "chess"))


async def channels_away(on: Stage) -> None:
    """The owner that is asked is not there."""
    await on.channels.stop()
    on.play.say("Channels is stopped; POST /groups: create “Gardeners”")
    await create(on, "garden", "Gardeners")
    wait = await on.play.until("the first attempt to ask Channels", partial(attempt, on, "garden"))
    on.play.check("who owes the missing fact", ("child", "channels"), (wait["missing"], wait["waiting_for"]["owner"]))
    on.play.quote(wait["reason"])
    await on.channels.start()
    on.play.say("Channels is started again")
    await on.play.reaches("the link, once Channels is back", ["linked"], partial(states, on, "garden"))


async def the_worker_dies(on: Stage) -> None:
    """The process that runs workflows is killed while one of them is half-way."""
    await on.channels.stop()
    on.play.say("Channels is stopped; POST /groups: create “Sailors”; its workflow asks in vain and waits")
    await create(on, "sail", "Sailors")
    await on.play.until("the first attempt to ask Channels", partial(attempt, on, "sail"))
    killed = on.pid("worker")
    os.kill(killed, signal.SIGKILL)
    on.play.say(f"kill -9 of the worker (pid {killed}); Channels is started again")
    await on.channels.start()
    await on.play.until("a new worker", partial(successor, on, killed))
    on.play.say(f"the supervisor has started another worker (pid {on.pid('worker')})")
    await on.play.reaches("the link, after kill -9 of the worker", ["linked"], partial(states, on, "sail"))
    on.play.check("channels made for it at Channels", 1, await channels_named(on, "Sailors"))
    await on.play.reaches("announcements of it", 1, partial(times_announced, on, "sail"))


async def a_group_that_never_comes(on: Stage) -> None:
    """Something has to be left waiting."""
    on.play.say(f"A channel for group {NEVER} is told; nobody will ever tell of that group")
    await on.tether.publish(channel_created("night-talk", "Night owls", NEVER))
    await on.play.reaches("what waits now, and for whom", [(NEVER, "parent", "groups")], partial(waits, on))


async def create(on: Stage, key: str, name: str) -> None:
    """A group, at Groups, as its users create it."""
    await posted(on.groups.http.post("/groups", json={"id": key, "name": name}, headers={"idempotency-key": key}))


async def posted(request: Awaitable[httpx2.Response]) -> None:
    """Done by the service. Raises HTTPStatusError."""
    (await request).raise_for_status()


def group_created(key: str, name: str) -> Json:
    """What Groups tells."""
    return fact("groups", "GroupCreated.v1", key, 1, {"name": name})


def channel_created(key: str, name: str, group: str) -> Json:
    """What Channels tells of a channel that it was asked for: the correlation id is that of the request."""
    return fact("channels", "ChannelCreated.v1", key, 1, {"name": name}, correlationid=encode(REL, group))


async def link_of(on: Stage, group: str) -> Json | None:
    """The first link of a group."""
    found = await on.tether.links(REL, parent=group)
    return found[0] if found else None


async def states(on: Stage, group: str) -> list[str]:
    """The states of a group's links."""
    return [link["state"] for link in await on.tether.links(REL, parent=group)]


async def waits(on: Stage) -> list[tuple[str, str, str]]:
    """What this relationship waits for: group, the side that is missing, who owes it."""
    return [(w["parent"], w["missing"], w["waiting_for"]["owner"]) for w in await on.tether.waiting(relationship=REL)]


async def attempt(on: Stage, group: str) -> Json | None:
    """The wait for a group's channel, once Channels was asked in vain: its reason says so."""
    found = [wait for wait in await on.tether.waiting(relationship=REL) if wait["parent"] == group]
    return found[0] if found and "CreateChannel" in found[0]["reason"] else None


async def announced(on: Stage, group: str) -> list[tuple[str, str]]:
    """(group, channel) of each announcement in the feed."""
    facts = [item["fact"] for item in await on.tether.feed(relationship=REL) if item["change"] == "fact"]
    told = [event["data"] for event in facts if event["type"] == "GroupChannelLinked.v1"]
    return [(data["parent"], data["child"]) for data in told if data["parent"] == group]


async def times_announced(on: Stage, group: str) -> int:
    """How often a link of this group was announced."""
    return len(await announced(on, group))


async def name_of_group(on: Stage, key: str) -> str:
    """As Tether knows it."""
    found = await on.tether.entity("group", key)
    return str(found["data"].get("name")) if found else ""


async def channels_named(on: Stage, name: str) -> int:
    """How many channels of this name Channels has."""
    found = (await on.channels.http.get("/channels", params={"limit": 1000})).json()
    return sum(1 for channel in found["items"] if channel["name"] == name)


async def successor(on: Stage, killed: int) -> bool:
    """Whether another worker runs."""
    return on.pid("worker") != killed
