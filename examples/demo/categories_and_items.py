"""Situation 6, first half: items that arrive before their category; a category that is deleted and created again."""

from functools import partial

from examples.demo.stage import Stage
from examples.demo.tether import Json, Refusal, fact

REL = "category_item"


async def play(on: Stage) -> None:
    """Follows one item while its category is created, deleted and created again."""
    on.play.situation(
        "Categories and items",
        "Facts are published over HTTP with their owner's API key. The key of one owner cannot publish for another.",
    )
    await item_before_its_category(on)
    await category_deleted_and_recreated(on)
    await refused_facts(on)


async def item_before_its_category(on: Stage) -> None:
    """The item is stored, with a placeholder for its unknown category."""
    on.play.say("ItemAdded: “Atlas of clouds” is in category books, about which no fact was published yet")
    token = (await on.tether.publish(item("atlas", "Atlas of clouds", "books")))["token"]
    link = await on.tether.link(REL, "atlas", at_least=token)
    on.play.check("state of the link of an item without its category", "waiting", link.get("state"))
    on.play.check("state of the category, which is a placeholder", "unknown", await state(on, "category", "books"))
    wait = await on.play.until("the wait for books", partial(on.tether.waiting, relationship=REL))
    found = {name: wait[0][name] for name in ("parent", "waiting_for", "children", "workflow")}
    wanted = {
        "parent": "books",
        "waiting_for": {"owner": "categories", "kind": "category", "key": "books"},
        "children": 1,
        "workflow": None,
    }
    on.play.check("the wait (within its grace period it is a row without a workflow)", wanted, found)
    on.play.quote((await on.tether.why(REL, "atlas"))["sentence"])
    on.play.say("CategoryAdded: books")
    token = (await on.tether.publish(category("CategoryAdded", "books", 1, "Books")))["token"]
    link = await on.tether.link(REL, "atlas", at_least=token)
    on.play.check("after CategoryAdded, state of the link", "linked", link.get("state"))
    on.play.check("state of the former placeholder", "live", await state(on, "category", "books"))
    on.play.check("open waits", [], await on.tether.waiting(relationship=REL))


async def category_deleted_and_recreated(on: Stage) -> None:
    """The deletion policy is KEEP: items outlive their category, and their links are broken meanwhile."""
    first = await incarnation(on, "books")
    on.play.say("CategoryRemoved: books")
    token = (await on.tether.publish(fact("categories", "CategoryRemoved.v1", "books", 2)))["token"]
    link = await on.tether.link(REL, "atlas", at_least=token)
    on.play.check("state of the link to a deleted category", "broken", link.get("state"))
    on.play.check("state of the item", "live", await state(on, "item", "atlas"))
    on.play.quote((await on.tether.why(REL, "atlas"))["sentence"])
    on.play.say("CategoryAdded: books again")
    token = (await on.tether.publish(category("CategoryAdded", "books", 3, "Books again")))["token"]
    link = await on.tether.link(REL, "atlas", at_least=token)
    on.play.check("state of the link, once the category is created again", "linked", link.get("state"))
    on.play.check("it is a new incarnation of the same key", True, await incarnation(on, "books") != first)
    on.play.say("The earlier CategoryRemoved arrives again with another id")
    late = {**fact("categories", "CategoryRemoved.v1", "books", 2), "id": "late"}
    token = (await on.tether.publish(late))["token"]
    link = await on.tether.link(REL, "atlas", at_least=token)
    on.play.check("state of the link, which an outdated fact does not change", "linked", link.get("state"))


async def refused_facts(on: Stage) -> None:
    """A fact of another owner is refused; an invalid fact is quarantined alone."""
    on.play.say("CategoryAdded is published with the API key of Items")
    try:
        answer = await on.tether.publish(category("CategoryAdded", "toys", 1, "Toys"), scope="publish:items")
        status = 202 if answer else 0
    except Refusal as refusal:
        status = refusal.status
    on.play.check("HTTP status of publishing for another owner", 403, status)
    on.play.say("A batch of two facts: a valid one, and one of a type that no contract declares")
    answer = await on.tether.publish(item("globe", "Globe", "books"), fact("items", "ItemTeleported.v1", "atlas", 9))
    found = {"accepted": answer["accepted"], "in quarantine": [entry["index"] for entry in answer["quarantined"]]}
    on.play.check("only the invalid fact is quarantined", {"accepted": 1, "in quarantine": [1]}, found)
    on.play.quote(answer["quarantined"][0]["reason"] if answer["quarantined"] else "nothing was quarantined")


def item(key: str, name: str, category: str | None, sequence: int = 1) -> Json:
    """The fact ItemAdded.v1 about the item ``key``; ``category``: key of its category, or None."""
    return fact("items", "ItemAdded.v1", key, sequence, {"name": name, "category": category})


def category(name: str, key: str, sequence: int, title: str) -> Json:
    """The fact ``name`` of Categories, such as CategoryAdded, about the category ``key``."""
    return fact("categories", f"{name}.v1", key, sequence, {"name": title})


async def state(on: Stage, kind: str, key: str) -> str | None:
    """State of one entity; None if no fact ever mentioned it."""
    found = await on.tether.entity(kind, key)
    return str(found["state"]) if found else None


async def incarnation(on: Stage, key: str) -> str:
    """The category's present incarnation; empty if the category is not known."""
    found = await on.tether.entity("category", key)
    return str(found["incarnation"]) if found else ""
