"""Chains: every member of a group is a member of its channel. Three relationships that build on each other."""

from functools import partial

from examples.demo.groups_and_channels import create, link_of, posted
from examples.demo.stage import Stage
from examples.demo.tether import Json

REL = "membership"


async def play(on: Stage) -> None:
    """Members join and leave a group, then the group is deleted."""
    on.play.situation(
        "Chains",
        "A user who joins a group is added to its channel. Groups and Channels do not know about each other.",
    )
    channel = await members_before_the_channel(on)
    await a_member_leaves(on, channel)
    await the_group_is_deleted(on, channel)


async def members_before_the_channel(on: Stage) -> str:
    """Members join while there is no channel yet. Returns the key of the channel that is created later."""
    await on.channels.stop()
    on.play.say("Channels is stopped; at Groups, the group rowers is created, and ann and bob join it")
    await create(on, "rowers", "Rowers")
    for user in ("ann", "bob"):
        await join(on, "rowers", user)
    wanted = [("rowers/ann", "child", "channels"), ("rowers/bob", "child", "channels")]
    await on.play.reaches("waits for memberships of the missing channel", wanted, partial(waits, on))
    await on.play.reaches("reason of these waits", {"group_channel comes first"}, partial(reasons, on))
    await on.channels.start()
    on.play.say("Channels is started again")
    link = await on.play.until("the channel of the rowers", partial(link_of, on, "rowers"))
    channel = str(link["child"])
    await on.play.reaches("members of the new channel", ["ann", "bob"], partial(users, on, channel))
    await on.play.reaches("states of their memberships", ["linked"] * 2, partial(states, on, "rowers"))
    await on.play.reaches("open waits", [], partial(waits, on))
    on.play.say("cid joins the rowers, which have a channel now")
    await join(on, "rowers", "cid")
    await on.play.reaches("members of the channel", ["ann", "bob", "cid"], partial(users, on, channel))
    return channel


async def a_member_leaves(on: Stage, channel: str) -> None:
    """A user who leaves the group is removed from its channel."""
    on.play.say("DELETE /groups/rowers/members/bob at Groups")
    await posted(on.groups.http.delete("/groups/rowers/members/bob"))
    await on.play.reaches("members of the channel", ["ann", "cid"], partial(users, on, channel))


async def the_group_is_deleted(on: Stage, channel: str) -> None:
    """Its channel and both sides' memberships are deleted with it; memberships of other groups stay."""
    await create(on, "readers", "Readers")
    await join(on, "readers", "ann")
    await on.play.reaches("state of ann's membership of the readers", ["linked"], partial(states, on, "readers"))
    on.play.say("DELETE /groups/rowers at Groups, which does not know about channels")
    await posted(on.groups.http.delete("/groups/rowers"))
    await on.play.reaches(
        "after GroupDeleted, HTTP status of its channel at Channels", 410, partial(status, on, channel)
    )
    await on.play.reaches("members of that channel", [], partial(users, on, channel))
    await on.play.reaches("members of the group at Groups", [], partial(members, on, "rowers"))
    await on.play.reaches("links of the group and its members", [], partial(everything_of, on, "rowers", channel))
    on.play.check("state of ann's membership of the readers afterwards", ["linked"], await states(on, "readers"))


async def join(on: Stage, group: str, user: str) -> None:
    """Adds a user to a group at Groups."""
    key = {"idempotency-key": f"demo/{group}/{user}"}
    await posted(on.groups.http.post(f"/groups/{group}/members", json={"user": user}, headers=key))


async def waits(on: Stage) -> list[tuple[str, str, str]]:
    """(membership of the group, missing side, owner that is waited for) of each wait of this relationship."""
    return [(w["parent"], w["missing"], w["waiting_for"]["owner"]) for w in await on.tether.waiting(relationship=REL)]


async def reasons(on: Stage) -> set[str]:
    """The reasons of the waits of this relationship."""
    return {wait["reason"] for wait in await on.tether.waiting(relationship=REL)}


async def states(on: Stage, group: str) -> list[str]:
    """The states of the links between a group's members and the members of its channel."""
    return [one["state"] for one in await on.tether.links(REL) if one["parent"].startswith(f"{group}/")]


async def users(on: Stage, channel: str) -> list[str]:
    """The users in a channel, as Channels answers."""
    found = (await on.channels.http.get(f"/channels/{channel}/members")).json()
    return sorted(member["user"] for member in found["items"])


async def members(on: Stage, group: str) -> list[str]:
    """The users in a group, as Groups answers, also after its deletion."""
    found = (await on.groups.http.get(f"/groups/{group}/members")).json()
    return sorted(member["user"] for member in found["items"])


async def status(on: Stage, channel: str) -> int:
    """The HTTP status that Channels answers about a channel: 410 once it is deleted."""
    return (await on.channels.http.get(f"/channels/{channel}")).status_code


async def everything_of(on: Stage, group: str, channel: str) -> list[Json]:
    """All links of a group, of its channel, and of their members."""
    found = [link for rel in ("group_channel", "group_membership") for link in await on.tether.links(rel, parent=group)]
    found += await on.tether.links("channel_membership", parent=channel)
    return found + [one for one in await on.tether.links(REL) if one["parent"].startswith(f"{group}/")]
