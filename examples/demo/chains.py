"""Situation 4: whoever is in a group is in its channel. Three relationships, one after the other."""

from functools import partial

from examples.demo.groups_and_channels import create, link_of, posted
from examples.demo.stage import Stage
from examples.demo.tether import Json

REL = "membership"


async def play(on: Stage) -> None:
    """In, out, and gone."""
    on.play.situation(
        "Chains",
        "Who joins a group is let into its channel, as soon as there is one. Groups and Channels know nothing of it.",
    )
    channel = await members_before_the_channel(on)
    await somebody_leaves(on, channel)
    await the_group_is_dissolved(on, channel)


async def members_before_the_channel(on: Stage) -> str:
    """Returns the channel that was made at last."""
    await on.channels.stop()
    on.play.say("Channels is stopped; at Groups, the group rowers is created, and ann and bob join it")
    await create(on, "rowers", "Rowers")
    for user in ("ann", "bob"):
        await join(on, "rowers", user)
    wanted = [("rowers/ann", "child", "channels"), ("rowers/bob", "child", "channels")]
    await on.play.reaches("memberships of a channel that is not there yet", wanted, partial(waits, on))
    await on.play.reaches("why that is so", {"group_channel comes first"}, partial(reasons, on))
    await on.channels.start()
    on.play.say("Channels is started again")
    link = await on.play.until("the channel of the rowers", partial(link_of, on, "rowers"))
    channel = str(link["child"])
    await on.play.reaches("once there is a channel, who is in it", ["ann", "bob"], partial(users, on, channel))
    await on.play.reaches("their memberships are", ["linked"] * 2, partial(states, on, "rowers"))
    await on.play.reaches("nothing is waited for", [], partial(waits, on))
    on.play.say("cid joins the rowers, who have a channel now")
    await join(on, "rowers", "cid")
    await on.play.reaches("who is in the channel", ["ann", "bob", "cid"], partial(users, on, channel))
    return channel


async def somebody_leaves(on: Stage, channel: str) -> None:
    """And the other way round."""
    on.play.say("DELETE /groups/rowers/members/bob at Groups")
    await posted(on.groups.http.delete("/groups/rowers/members/bob"))
    await on.play.reaches("who is in the channel", ["ann", "cid"], partial(users, on, channel))


async def the_group_is_dissolved(on: Stage, channel: str) -> None:
    """What was there for the group alone goes with it; what belongs to others stays."""
    await create(on, "readers", "Readers")
    await join(on, "readers", "ann")
    await on.play.reaches("ann is also among the readers; that is", ["linked"], partial(states, on, "readers"))
    on.play.say("DELETE /groups/rowers at Groups, which knows of no channel")
    await posted(on.groups.http.delete("/groups/rowers"))
    await on.play.reaches("GroupDeleted alone: its channel at Channels is gone", 410, partial(status, on, channel))
    await on.play.reaches("who is in it", [], partial(users, on, channel))
    await on.play.reaches("who is in the group, at Groups", [], partial(members, on, "rowers"))
    await on.play.reaches("links of the group and its members", [], partial(everything_of, on, "rowers", channel))
    on.play.check("ann is still among the readers", ["linked"], await states(on, "readers"))


async def join(on: Stage, group: str, user: str) -> None:
    """A user becomes a member, at Groups."""
    key = {"idempotency-key": f"demo/{group}/{user}"}
    await posted(on.groups.http.post(f"/groups/{group}/members", json={"user": user}, headers=key))


async def waits(on: Stage) -> list[tuple[str, str, str]]:
    """What this relationship waits for: the group's member, the side that is missing, who owes it."""
    return [(w["parent"], w["missing"], w["waiting_for"]["owner"]) for w in await on.tether.waiting(relationship=REL)]


async def reasons(on: Stage) -> set[str]:
    """Why it waits."""
    return {wait["reason"] for wait in await on.tether.waiting(relationship=REL)}


async def states(on: Stage, group: str) -> list[str]:
    """The states of the links between a group's members and the members of its channel."""
    return [one["state"] for one in await on.tether.links(REL) if one["parent"].startswith(f"{group}/")]


async def users(on: Stage, channel: str) -> list[str]:
    """Who is in a channel, by Channels."""
    found = (await on.channels.http.get(f"/channels/{channel}/members")).json()
    return sorted(member["user"] for member in found["items"])


async def members(on: Stage, group: str) -> list[str]:
    """Who is in a group, by Groups, also after its end."""
    found = (await on.groups.http.get(f"/groups/{group}/members")).json()
    return sorted(member["user"] for member in found["items"])


async def status(on: Stage, channel: str) -> int:
    """What Channels answers about a channel: 410 when it is gone."""
    return (await on.channels.http.get(f"/channels/{channel}")).status_code


async def everything_of(on: Stage, group: str, channel: str) -> list[Json]:
    """All links of a group, of its channel, and of their members."""
    found = [link for rel in ("group_channel", "group_membership") for link in await on.tether.links(rel, parent=group)]
    found += await on.tether.links("channel_membership", parent=channel)
    return found + [one for one in await on.tether.links(REL) if one["parent"].startswith(f"{group}/")]
