"""Situation 1: every group has a channel, and neither service knows about the other."""

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
"""A group that is never created: at the end, only the wait for it still has an open workflow."""


async def play(on: Stage) -> None:
    """Plays the ordinary case first, then late, repeated and conflicting facts, and failures of processes."""
    on.play.situation(
        "Groups and channels",
        "Two services, each with its own database. Groups does not know about channels, nor Channels about groups.",
    )
    chess = await group_gets_a_channel(on)
    await channel_without_group(on)
    await channel_before_its_group(on)
    await fact_published_twice(on)
    await second_channel_of_a_group(on, chess)
    await group_renamed(on, chess)
    await channels_stopped(on)
    await worker_killed(on)
    await missing_group(on)


async def group_gets_a_channel(on: Stage) -> str:
    """Creates a group. Returns the key of the channel that was created for it."""
    on.play.say("POST /groups at Groups: create “Chess club”; no client requests a channel")
    await create(on, "chess", "Chess club")
    link = await on.play.until("a channel for group chess", partial(link_of, on, "chess"))
    channel = str(link["child"])
    on.play.check("GroupCreated leads to a channel; state of the link", "linked", link["state"])
    answer = (await on.channels.http.get(f"/channels/{channel}")).json()
    on.play.check("the channel that Channels has created", {"name": "Chess club"}, {"name": answer.get("name")})
    on.play.check(
        "fields of the channel at Channels (none refers to a group)", ["id", "name", "version"], sorted(answer)
    )
    await on.play.reaches("GroupChannelLinked in the feed", [("chess", channel)], partial(announced, on, "chess"))
    on.play.quote((await on.tether.why(REL, channel))["sentence"])
    return channel


async def channel_without_group(on: Stage) -> None:
    """Creates a channel that belongs to no group: it has no link, and there is no wait for it."""
    on.play.say("POST /channels at Channels: create “Lobby”, which belongs to no group")
    await posted(on.channels.http.post("/channels", json={"id": "lobby", "name": "Lobby"}))
    lobby = await on.play.until("ChannelCreated of the lobby", partial(on.tether.entity, "channel", "lobby"))
    on.play.check("state of a channel without a group", "live", lobby["state"])
    on.play.check("its link", {}, await on.tether.link(REL, "lobby"))
    on.play.check("open waits", [], await waits(on))


async def channel_before_its_group(on: Stage) -> None:
    """Publishes the two facts in reverse order, as a replay may do."""
    on.play.say("ChannelCreated for group birds is published before any fact about the group")
    token = (await on.tether.publish(channel_created("birds-talk", "Birdwatchers", "birds")))["token"]
    link = await on.tether.link(REL, "birds-talk", at_least=token)
    on.play.check("after the channel's fact, state of the link", "waiting", link.get("state"))
    on.play.quote((await on.tether.why(REL, "birds-talk"))["sentence"])
    on.play.check("the wait: group, missing side, owner", [("birds", "parent", "groups")], await waits(on))
    on.play.say("GroupCreated of birds is published")
    token = (await on.tether.publish(group_created("birds", "Birdwatchers")))["token"]
    link = await on.tether.link(REL, "birds-talk", at_least=token)
    on.play.check("after the group's fact, state of the link", "linked", link.get("state"))
    await on.play.reaches("GroupChannelLinked in the feed", [("birds", "birds-talk")], partial(announced, on, "birds"))
    on.play.check("channels that Channels created for it", 0, await channels_named(on, "Birdwatchers"))


async def fact_published_twice(on: Stage) -> None:
    """Publishes a fact twice, as delivery at least once does."""
    on.play.say("GroupCreated of books is published twice, byte for byte the same")
    event = group_created("books", "Book circle")
    first, second = await on.tether.publish(event), await on.tether.publish(event)
    on.play.check("published once", {"accepted": 1, "duplicates": 0}, taken(first))
    on.play.check("published again", {"accepted": 0, "duplicates": 1}, taken(second))
    await on.play.reaches("states of its links", ["linked"], partial(states, on, "books"))
    on.play.check("channels that Channels created for it", 1, await channels_named(on, "Book circle"))
    on.play.say("The same fact id is published again with another name")
    try:
        status = int(bool(await on.tether.publish({**event, "data": {"name": "Film circle"}})))
    except Refusal as refusal:
        status = refusal.status
    on.play.check("HTTP status of another body under the same id", 409, status)


async def second_channel_of_a_group(on: Stage, channel: str) -> None:
    """Publishes a second channel of a group, although the relationship is one-to-one."""
    on.play.say("ChannelCreated of a second channel for group chess is published")
    token = (await on.tether.publish(channel_created("chess-too", "Chess, too", "chess")))["token"]
    found = {link["child"]: link["state"] for link in await on.tether.links(REL, parent="chess", at_least=token)}
    on.play.check(
        "states of the links of two channels to one group",
        {channel: "linked", "chess-too": "conflict"},
        dict(sorted(found.items(), key=lambda item: item[0] == "chess-too")),
    )
    on.play.quote((await on.tether.why(REL, "chess-too"))["sentence"])


async def group_renamed(on: Stage, channel: str) -> None:
    """Renames a group, which does not change its link."""
    before = list((await on.tether.link(REL, channel)).values())
    on.play.say("PATCH /groups/chess at Groups: rename it to “Chess society”")
    await posted(on.groups.http.patch("/groups/chess", json={"name": "Chess society"}))
    await on.play.reaches("name of the group in Tether", "Chess society", partial(name_of_group, on, "chess"))
    on.play.check("its link is unchanged", before, list((await on.tether.link(REL, channel)).values()))
    on.play.check("GroupChannelLinked is still in the feed once", [("chess", channel)], await announced(on, "chess"))


async def channels_stopped(on: Stage) -> None:
    """Creates a group while the owner of channels is stopped."""
    await on.channels.stop()
    on.play.say("Channels is stopped; POST /groups: create “Gardeners”")
    await create(on, "garden", "Gardeners")
    wait = await on.play.until("the first failed request to Channels", partial(attempt, on, "garden"))
    found = (wait["missing"], wait["waiting_for"]["owner"])
    on.play.check("the wait: missing side, owner", ("child", "channels"), found)
    on.play.quote(wait["reason"])
    await on.channels.start()
    on.play.say("Channels is started again")
    await on.play.reaches("states of its links, once Channels runs again", ["linked"], partial(states, on, "garden"))


async def worker_killed(on: Stage) -> None:
    """Kills the process that runs workflows while one of them waits to repeat its request."""
    await on.channels.stop()
    on.play.say("Channels is stopped; POST /groups: create “Sailors”; its workflow cannot reach Channels and waits")
    await create(on, "sail", "Sailors")
    await on.play.until("the first failed request to Channels", partial(attempt, on, "sail"))
    killed = on.pid("worker")
    os.kill(killed, signal.SIGKILL)
    on.play.say(f"kill -9 of the worker (pid {killed}); Channels is started again")
    await on.channels.start()
    await on.play.until("a new worker", partial(successor, on, killed))
    on.play.say(f"The supervisor has started another worker (pid {on.pid('worker')})")
    await on.play.reaches("states of its links, after kill -9 of the worker", ["linked"], partial(states, on, "sail"))
    on.play.check("channels that Channels created for it", 1, await channels_named(on, "Sailors"))
    await on.play.reaches("how often GroupChannelLinked is in the feed", 1, partial(times_announced, on, "sail"))


async def missing_group(on: Stage) -> None:
    """Publishes a channel of a group that is never created, so that one wait remains."""
    on.play.say(f"ChannelCreated for group {NEVER} is published; that group is never created")
    await on.tether.publish(channel_created("night-talk", "Night owls", NEVER))
    await on.play.reaches("the waits: group, missing side, owner", [(NEVER, "parent", "groups")], partial(waits, on))


async def create(on: Stage, key: str, name: str) -> None:
    """Creates a group at Groups. Raises HTTPStatusError."""
    await posted(on.groups.http.post("/groups", json={"id": key, "name": name}, headers={"idempotency-key": key}))


async def posted(request: Awaitable[httpx2.Response]) -> None:
    """Awaits a request to a service. Raises HTTPStatusError unless it succeeds."""
    (await request).raise_for_status()


def group_created(key: str, name: str) -> Json:
    """The fact GroupCreated.v1 of Groups."""
    return fact("groups", "GroupCreated.v1", key, 1, {"name": name})


def channel_created(key: str, name: str, group: str) -> Json:
    """The fact ChannelCreated.v1 of Channels, with the correlation id of Tether's request for a group's channel."""
    return fact("channels", "ChannelCreated.v1", key, 1, {"name": name}, correlationid=encode(REL, group))


async def link_of(on: Stage, group: str) -> Json | None:
    """The first link of a group; None if it has none."""
    found = await on.tether.links(REL, parent=group)
    return found[0] if found else None


async def states(on: Stage, group: str) -> list[str]:
    """The states of a group's links."""
    return [link["state"] for link in await on.tether.links(REL, parent=group)]


async def waits(on: Stage) -> list[tuple[str, str, str]]:
    """(group, missing side, owner that is waited for) of each wait of this relationship."""
    return [(w["parent"], w["missing"], w["waiting_for"]["owner"]) for w in await on.tether.waiting(relationship=REL)]


async def attempt(on: Stage, group: str) -> Json | None:
    """The wait for a group's channel, once its reason says that a request to Channels failed; None before."""
    found = [wait for wait in await on.tether.waiting(relationship=REL) if wait["parent"] == group]
    return found[0] if found and "CreateChannel" in found[0]["reason"] else None


async def announced(on: Stage, group: str) -> list[tuple[str, str]]:
    """(group, channel) of each GroupChannelLinked of a group in the feed."""
    items = [item for item in await on.tether.feed(relationship=REL) if item["type"] == "GroupChannelLinked"]
    linked = [item["data"]["fact"]["data"] for item in items]
    return [(data["parent"], data["child"]) for data in linked if data["parent"] == group]


async def times_announced(on: Stage, group: str) -> int:
    """Number of GroupChannelLinked of a group in the feed."""
    return len(await announced(on, group))


async def name_of_group(on: Stage, key: str) -> str:
    """Name of a group in Tether; empty if it has none."""
    found = await on.tether.entity("group", key)
    return str(found["data"].get("name")) if found else ""


async def channels_named(on: Stage, name: str) -> int:
    """Number of channels of this name at Channels."""
    found = (await on.channels.http.get("/channels", params={"limit": 1000})).json()
    return sum(1 for channel in found["items"] if channel["name"] == name)


async def successor(on: Stage, killed: int) -> bool:
    """Whether another worker runs in place of the killed one. ``killed``: its process id."""
    return on.pid("worker") != killed
