"""The finished part of the scenario, while every owner is available: links in every state, entities that were deleted
and created anew, and operations of each kind that have ended."""

from contracts.correlation import encode
from store.plans import Wish
from tests.takeover.environment import Environment, Tenant, fact
from tests.workflows.house import until

TEAMS = {
    "autumn": ("a1", "a2"),
    "cup": (),
    "congress": ("c1", "c2"),
    "expo": ("e1",),
    "fair": ("x1", "never-x2", "later-x3"),
    "fete": ("y1", "never-y2"),
    "gala": ("g1", "g2"),
    "home": ("m0", "m1", "m2", "m3", "m4", "m5", "m6", "never-m7"),
    "jubilee": ("j1",),
    "league": ("k1", "k2", "k3", "k4", "never-k5"),
    "open": ("z1",),
    "spring": ("s1",),
    "summer": ("d1", "d2", "f1", "f2", "later-p2", "never-p1", "q1", "q2"),
    "tour": ("r1", "r2"),
    "winter": ("w1", "w2"),
}
"""Event → its teams. Requests about teams called "never-…" and "later-…" are refused."""


async def play(environment: Environment) -> None:
    """To be called while the worker and the dispatcher run; returns when all of it has ended."""
    await _items(environment.main)
    await _items(environment.south)
    await _explicit_links(environment.main)
    await _channels(environment)
    await _teams(environment)
    await _cascades(environment)
    await _moves(environment)


async def _items(tenant: Tenant) -> None:
    """Links that are linked and broken; a category and an item that were removed and added anew. Both tenants have the
    same keys."""
    time = "2026-01-31T12:00:00Z"
    await tenant.tell(
        fact("categories", "CategoryAdded", "kitchen", 1, name=f"Kitchen of {tenant.tenant}", time=time),
        fact("categories", "CategoryAdded", "toys", 1, name="Toys"),
        fact("categories", "CategoryAdded", "books", 1, name="Books"),
        fact("items", "ItemAdded", "teapot", 1, name="Teapot", category="kitchen", time=time),
        fact("items", "ItemAdded", "cup", 1, name="Cup", category="kitchen"),
        fact("items", "ItemAdded", "robot", 1, name="Robot", category="toys"),
        fact("items", "ItemAdded", "novel", 1, name="Novel", category="books"),
        fact("items", "ItemAdded", "ball", 1, name="Ball", category="toys"),
        fact("items", "ItemAdded", "vase", 1, name="Vase"),
        fact("items", "ItemAdded", "rug", 1, name="Rug"),
    )
    await tenant.tell(fact("categories", "CategoryRemoved", "toys", 2))
    await tenant.tell(fact("categories", "CategoryRemoved", "books", 2))
    await tenant.tell(fact("categories", "CategoryAdded", "books", 3, name="Books, second life"))
    await tenant.tell(fact("items", "ItemRemoved", "ball", 2))
    await tenant.tell(fact("items", "ItemAdded", "ball", 3, name="Ball, second life", category="kitchen"))
    await tenant.tell(fact("items", "ItemUpdated", "teapot", 2, name="Big teapot"))


async def _explicit_links(main: Tenant) -> None:
    """An explicit link, requested with an idempotency key, and an explicit unlink."""
    await main.operated(await main.link("category_item", "kitchen", "vase", key="link-vase"), "done")
    await main.operated(await main.link("category_item", "kitchen", "cup", "unlink"), "done")


async def _channels(environment: Environment) -> None:
    """Groups with channels, members of both, a channel without a group, and a second channel for one group, which is in
    conflict."""
    main = environment.main
    for group in ("Chess", "Crew", "Dance", "Rowing"):
        await environment.do("groups", "POST", "/groups", id=group.lower(), name=group)
    for group, user in (("chess", "ann"), ("chess", "bob"), ("crew", "hal")):
        await environment.do("groups", "POST", f"/groups/{group}/members", user=user)
    await environment.do("channels", "POST", "/channels", id="lounge", name="Lounge")
    await environment.known("channel", ["lounge"])
    await main.told("GroupChannelLinked", 4)

    async def members_linked() -> bool:
        return len(await main.links("membership")) == 3

    await until(members_linked)
    correlation = encode("group_channel", "rowing")
    await main.tell(fact("channels", "ChannelCreated", "second", 1, name="Second", correlation=correlation))


async def _teams(environment: Environment) -> None:
    for event in TEAMS:
        await environment.do("events", "POST", "/events", id=event, name=event.title())
    await environment.known("event", tuple(TEAMS))
    for event, teams in TEAMS.items():
        for team in teams:
            await environment.do("teams", "POST", "/teams", id=team, name=f"Team {team}", event_id=event)
    await environment.known("team", [team for teams in TEAMS.values() for team in teams])
    await environment.south.tell(
        fact("events", "EventCreated", "spring", 1, name="Spring of south"),
        fact("teams", "TeamCreated", "s1", 1, name="Team of south", event_id="spring"),
    )


async def _cascades(environment: Environment) -> None:
    """One cascade that is complete, and two that are incomplete because some children were refused."""
    await environment.do("events", "DELETE", "/events/spring")
    await environment.cascaded("spring")
    for event in ("fair", "fete"):
        await environment.do("events", "DELETE", f"/events/{event}")
        await environment.cascaded(event, "incomplete")


async def _moves(environment: Environment) -> None:
    """A move that was made, one that was refused, and an executed plan that detached a team."""
    main = environment.main
    await main.operated(await environment.ask_move("m0", "cup", "move-m0"), "done")
    await main.operated(await environment.ask_move("never-m7", "cup"), "refused")
    row = await environment.execute(Wish("detach", relationship="event_team", parent="open"))
    await main.operated(row["id"], "done")
