"""Reads that know what they are as of, links by hand, and the feed as the whole story."""

from functools import partial
from uuid import uuid4

from examples.demo.categories_and_items import REL, category, item
from examples.demo.operations import state
from examples.demo.stage import Stage
from examples.demo.tether import fact

WRITES = 25


async def play(on: Stage) -> None:
    """Tokens, operations, replay."""
    on.play.situation(
        "Reading and linking", "Every write answers with a token; every read says which revision it is as of."
    )
    await own_writes(on)
    await the_past(on)
    await link_and_unlink(on)
    await replay(on)


async def own_writes(on: Stage) -> None:
    """Read at least as new as the write, at once after it."""
    on.play.say(f"{WRITES} times: rename the atlas, and read it with at_least=<token of that write>")
    seen = 0
    for number in range(WRITES):
        name = f"Atlas, edition {number + 1}"
        update = fact("items", "ItemUpdated.v1", "atlas", 10 + number, {"name": name})
        token = (await on.tether.publish(update))["token"]
        found = await on.tether.entity("item", "atlas", at_least=token)
        seen += found is not None and found["data"].get("name") == name
    on.play.check("own writes that were read at once", WRITES, seen)
    link = await on.tether.link(REL, "atlas")
    on.play.check("renaming it did not touch its link", ("books", "linked"), (link.get("parent"), link.get("state")))


async def the_past(on: Stage) -> None:
    """A move, seen from both sides of it."""
    told = await on.tether.publish(category("CategoryAdded", "maps", 1, "Maps"))
    before = told["token"]
    on.play.say("ItemUpdated: the atlas moves from books to maps")
    move = fact("items", "ItemUpdated.v1", "atlas", 100, {"category": "maps"})
    after = (await on.tether.publish(move))["token"]
    then = await on.tether.link(REL, "atlas", as_of=before)
    now = await on.tether.link(REL, "atlas", as_of=after)
    on.play.check("as_of before the move, it belongs to", "books", then.get("parent"))
    on.play.check("as_of the move, it belongs to", "maps", now.get("parent"))
    sets = [
        [link["child"] for link in await on.tether.links(REL, parent=parent, as_of=at) if link["child"] == "atlas"]
        for at in (before, after)
        for parent in ("books", "maps")
    ]
    on.play.check("in exactly one set, then and now", [["atlas"], [], [], ["atlas"]], sets)


async def link_and_unlink(on: Stage) -> None:
    """Operations, which wait until both sides exist."""
    await on.tether.publish(item("stamp", "Stamp", None))
    on.play.say("POST …/links: stamp belongs to category post, of which nobody has told yet")
    request = {"parent": "post", "child": "stamp"}
    once = uuid4().hex
    path = f"relationships/{REL}/links"
    operation = await on.tether.ask("POST", path, "operate", body=request, once=once)
    again = await on.tether.ask("POST", path, "operate", body=request, once=once)
    on.play.check("the same Idempotency-Key gives the same operation", operation["id"], again["id"])
    on.play.check("until both sides exist it is", "waiting", await state(on, operation["id"]))
    on.play.say("CategoryAdded: post")
    await on.tether.publish(category("CategoryAdded", "post", 1, "Post"))
    await on.play.reaches("then it is", "done", partial(state, on, operation["id"]))
    link = await on.tether.link(REL, "stamp")
    on.play.check("and the link is", ("post", "linked"), (link.get("parent"), link.get("state")))
    on.play.say("DELETE …/links/stamp")
    operation = await on.tether.ask("DELETE", f"{path}/stamp", "operate")
    await on.play.reaches("the unlink is", "done", partial(state, on, operation["id"]))
    on.play.check("the stamp has no link any more", {}, await on.tether.link(REL, "stamp"))


async def replay(on: Stage) -> None:
    """Whoever follows the feed from its beginning knows what is true now."""
    on.play.say("GET /v1/feed from the beginning: every change of every link, applied one after another")
    declared = (await on.tether.ask("GET", "relationships"))["items"]
    truth = {
        (rel["name"], link["child"]): (link["parent"], link["state"])
        for rel in declared
        for link in await on.tether.links(rel["name"])
    }
    changes = await on.tether.feed()
    told: dict[tuple[str, str], tuple[str, str]] = {}
    for change in changes:
        if change["change"] == "link":
            child = (change["relationship"], change["child"])
            if change["state"] == "closed":
                told.pop(child, None)
            else:
                told[child] = (change["parent"], change["state"])
    on.play.say(f"{len(changes):,} changes")
    on.play.check("links that the feed tells of", len(truth), len(told))
    different = {child for child in truth.keys() | told.keys() if truth.get(child) != told.get(child)}
    on.play.check("links of which it tells anything but the truth", 0, len(different))
    on.play.check("relationships in it", len(declared), len({name for name, _ in told}))
