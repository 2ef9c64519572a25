"""Situation 6, its first half: items before their category, and categories that go and come back."""

from functools import partial

from examples.demo.stage import Stage
from examples.demo.tether import Json, Refusal, fact

REL = "category_item"


async def play(on: Stage) -> None:
    """One item's life while its category comes, goes and comes again."""
    on.play.situation(
        "Categories and items",
        "Facts are told over HTTP, each with its owner's key. A key of one owner cannot speak for another.",
    )
    await an_item_before_its_category(on)
    await a_category_that_goes_and_comes_back(on)
    await what_is_refused(on)


async def an_item_before_its_category(on: Stage) -> None:
    """It is kept, and so is a place for the category."""
    on.play.say("ItemAdded: “Atlas of clouds” is in category books, of which nobody has told")
    token = (await on.tether.publish(item("atlas", "Atlas of clouds", "books")))["token"]
    link = await on.tether.link(REL, "atlas", at_least=token)
    on.play.check("an item before its category: the link is", "waiting", link.get("state"))
    on.play.check("the category is a placeholder, its state", "unknown", await state(on, "category", "books"))
    wait = await on.play.until("the wait for books", partial(on.tether.waiting, relationship=REL))
    found = {name: wait[0][name] for name in ("parent", "waiting_for", "children", "workflow")}
    wanted = {
        "parent": "books",
        "waiting_for": {"owner": "categories", "kind": "category", "key": "books"},
        "children": 1,
        "workflow": None,
    }
    on.play.check("what is waited for; so young a wait is a row and no workflow", wanted, found)
    on.play.quote((await on.tether.why(REL, "atlas"))["sentence"])
    on.play.say("CategoryAdded: books")
    token = (await on.tether.publish(category("CategoryAdded", "books", 1, "Books")))["token"]
    link = await on.tether.link(REL, "atlas", at_least=token)
    on.play.check("once the category is there, the link is", "linked", link.get("state"))
    on.play.check("the placeholder has become", "live", await state(on, "category", "books"))
    on.play.check("nothing is waited for", [], await on.tether.waiting(relationship=REL))


async def a_category_that_goes_and_comes_back(on: Stage) -> None:
    """The policy is KEEP: items outlive their category, visibly."""
    first = await incarnation(on, "books")
    on.play.say("CategoryRemoved: books")
    token = (await on.tether.publish(fact("categories", "CategoryRemoved.v1", "books", 2)))["token"]
    link = await on.tether.link(REL, "atlas", at_least=token)
    on.play.check("the category is deleted: the link is", "broken", link.get("state"))
    on.play.check("the item stays", "live", await state(on, "item", "atlas"))
    on.play.quote((await on.tether.why(REL, "atlas"))["sentence"])
    on.play.say("CategoryAdded: books, once more")
    token = (await on.tether.publish(category("CategoryAdded", "books", 3, "Books again")))["token"]
    link = await on.tether.link(REL, "atlas", at_least=token)
    on.play.check("created again: the link is", "linked", link.get("state"))
    on.play.check("it is another life of the same key", True, await incarnation(on, "books") != first)
    on.play.say("The CategoryRemoved of before arrives once more, under another id")
    late = {**fact("categories", "CategoryRemoved.v1", "books", 2), "id": "late"}
    token = (await on.tether.publish(late))["token"]
    link = await on.tether.link(REL, "atlas", at_least=token)
    on.play.check("an old fact that comes late changes nothing", "linked", link.get("state"))


async def what_is_refused(on: Stage) -> None:
    """A bad fact harms itself alone."""
    on.play.say("Items' key is used to tell of a category")
    try:
        told = await on.tether.publish(category("CategoryAdded", "toys", 1, "Toys"), scope="publish:items")
        status = 202 if told else 0
    except Refusal as refusal:
        status = refusal.status
    on.play.check("speaking for another owner is refused with", 403, status)
    on.play.say("A batch of two: one good fact, one of a type that no contract declares")
    told = await on.tether.publish(item("globe", "Globe", "books"), fact("items", "ItemTeleported.v1", "atlas", 9))
    found = {"accepted": told["accepted"], "in quarantine": [refused["index"] for refused in told["quarantined"]]}
    on.play.check("a bad fact harms only itself", {"accepted": 1, "in quarantine": [1]}, found)
    on.play.quote(told["quarantined"][0]["reason"] if told["quarantined"] else "nothing was quarantined")


def item(key: str, name: str, category: str | None, sequence: int = 1) -> Json:
    """What Items tells of a new item."""
    return fact("items", "ItemAdded.v1", key, sequence, {"name": name, "category": category})


def category(name: str, key: str, sequence: int, title: str) -> Json:
    """What Categories tells of a category."""
    return fact("categories", f"{name}.v1", key, sequence, {"name": title})


async def state(on: Stage, kind: str, key: str) -> str | None:
    """Of one entity; None if nobody ever spoke of it."""
    found = await on.tether.entity(kind, key)
    return str(found["state"]) if found else None


async def incarnation(on: Stage, key: str) -> str:
    """Which life of the category this is."""
    found = await on.tether.entity("category", key)
    return str(found["incarnation"]) if found else ""
