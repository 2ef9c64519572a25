"""Reads at a given revision, links that are requested through the API, and the feed as the history of all links."""

from functools import partial
from uuid import uuid4

from examples.demo.categories_and_items import REL, category, item
from examples.demo.operations import state
from examples.demo.stage import Stage
from examples.demo.tether import fact

WRITES = 25


async def play(on: Stage) -> None:
    """Reads own writes and the past by tokens, links and unlinks an item, and replays the feed."""
    on.play.situation(
        "Reading and linking",
        "Every write returns the token of its revision; every read returns the token of the revision that it shows.",
    )
    await own_writes(on)
    await the_past(on)
    await link_and_unlink(on)
    await replay(on)


async def own_writes(on: Stage) -> None:
    """Reads each write immediately after it with ``at_least=`` and its token."""
    on.play.say(f"{WRITES} times: rename the atlas, and read it with at_least=<token of that write>")
    seen = 0
    for number in range(WRITES):
        name = f"Atlas, edition {number + 1}"
        update = fact("items", "ItemUpdated.v1", "atlas", 10 + number, {"name": name})
        token = (await on.tether.publish(update))["token"]
        found = await on.tether.entity("item", "atlas", at_least=token)
        seen += found is not None and found["data"].get("name") == name
    on.play.check("own writes that were read immediately", WRITES, seen)
    link = await on.tether.link(REL, "atlas")
    on.play.check(
        "renaming the item did not change its link", ("books", "linked"), (link.get("parent"), link.get("state"))
    )


async def the_past(on: Stage) -> None:
    """Reads a link as of a revision before it moved, and as of the move."""
    before = (await on.tether.publish(category("CategoryAdded", "maps", 1, "Maps")))["token"]
    on.play.say("ItemUpdated: the atlas moves from books to maps")
    move = fact("items", "ItemUpdated.v1", "atlas", 100, {"category": "maps"})
    after = (await on.tether.publish(move))["token"]
    then = await on.tether.link(REL, "atlas", as_of=before)
    now = await on.tether.link(REL, "atlas", as_of=after)
    on.play.check("parent of the item, as of before the move", "books", then.get("parent"))
    on.play.check("parent of the item, as of the move", "maps", now.get("parent"))
    sets = [
        [link["child"] for link in await on.tether.links(REL, parent=parent, as_of=at) if link["child"] == "atlas"]
        for at in (before, after)
        for parent in ("books", "maps")
    ]
    on.play.check("it is in the links of exactly one category, before and after", [["atlas"], [], [], ["atlas"]], sets)


async def link_and_unlink(on: Stage) -> None:
    """Links and unlinks by operations, which wait until both sides exist."""
    await on.tether.publish(item("stamp", "Stamp", None))
    on.play.say("POST …/links: link the item stamp to category post, about which no fact was published yet")
    request = {"parent": "post", "child": "stamp"}
    once = uuid4().hex
    path = f"relationships/{REL}/links"
    operation = await on.tether.request("POST", path, "operate", body=request, once=once)
    again = await on.tether.request("POST", path, "operate", body=request, once=once)
    on.play.check("the same Idempotency-Key gives the same operation", operation["id"], again["id"])
    on.play.check("state of the operation until both sides exist", "waiting", await state(on, operation["id"]))
    on.play.say("CategoryAdded: post")
    await on.tether.publish(category("CategoryAdded", "post", 1, "Post"))
    await on.play.reaches("state of the operation now", "done", partial(state, on, operation["id"]))
    link = await on.tether.link(REL, "stamp")
    on.play.check("category and state of the link", ("post", "linked"), (link.get("parent"), link.get("state")))
    on.play.say("DELETE …/links/stamp")
    operation = await on.tether.request("DELETE", f"{path}/stamp", "operate")
    await on.play.reaches("state of the operation that unlinks", "done", partial(state, on, operation["id"]))
    on.play.check("the item has no link any more", {}, await on.tether.link(REL, "stamp"))


async def replay(on: Stage) -> None:
    """Applies the feed from its beginning, and compares the result with the links that the API lists."""
    on.play.say("GET /v1/feed from the beginning: every change of every link, applied one after another")
    declared = (await on.tether.request("GET", "relationships"))["items"]
    listed = {
        (rel["name"], link["child"]): (link["parent"], link["state"])
        for rel in declared
        for link in await on.tether.links(rel["name"])
    }
    changes = await on.tether.feed()
    replayed: dict[tuple[str, str], tuple[str, str]] = {}
    for change in changes:
        if change["data"]["change"] == "link":
            child = (change["relationship"], change["subject"])
            if change["type"] == "Unlinked":
                replayed.pop(child, None)
            else:
                replayed[child] = (change["parent"], change["state"])
    on.play.say(f"{len(changes):,} changes")
    on.play.check("number of links after the replay", len(listed), len(replayed))
    different = {child for child in listed.keys() | replayed.keys() if listed.get(child) != replayed.get(child)}
    on.play.check("links that differ from those that the API lists", 0, len(different))
    on.play.check("relationships in the feed", len({name for name, _ in listed}), len({name for name, _ in replayed}))
