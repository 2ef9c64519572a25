"""Facts of a group and its channel, told over HTTP in every order there is: what is read in the end is the same."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from config import Settings
from facts.correlation import encode
from tests.support.events import Event, event
from tests.support.http import Client, client, new_key, serving

AT = "2026-01-03T12:00:00Z"
"""``why`` names it: without it, the minute in which the fact was received."""
GROUP = event("GroupCreated", "g1", 1, time=AT, name="Chess")
CHANNEL = {**event("ChannelCreated", "c1", 1, time=AT, name="Chess"), "correlationid": encode("group_channel", "g1")}
RENAMED = event("GroupRenamed", "g1", 2, time=AT, name="Chess club")
ORDERS = list(permutations((GROUP, CHANNEL, RENAMED, dict(GROUP))))
OF_THE_MOMENT = {"token", "revision", "since", "next", "workflow"}
"""Tokens and times; and ids of workflows, in which the tenant is named."""


async def one_by_one(to: Client, order: tuple[Event, ...]) -> None:
    for one in order:
        await to.publish(one)


async def at_once(to: Client, order: tuple[Event, ...]) -> None:
    await to.publish(*order)


async def in_two_halves(to: Client, order: tuple[Event, ...]) -> None:
    await to.publish(*order[:2])
    await to.publish(*order[2:])


async def rows(of: Client) -> dict[str, Any]:
    """All that can be read, but for when it came to be."""
    paths = (
        "entities/group/g1",
        "entities/channel/c1",
        "relationships/group_channel",
        "relationships/group_channel/links",
        "relationships/group_channel/links/c1/why",
        "waiting",
        "quarantine",
    )
    return {path: lasting(await of.get(path, **{"counts": True} if path.endswith("channel") else {})) for path in paths}


def lasting(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: lasting(value) for name, value in found.items() if name not in OF_THE_MOMENT}
    return [lasting(item) for item in found] if isinstance(found, list) else found


def without_history(found: dict[str, Any]) -> dict[str, Any]:
    """``why`` tells how it came to be as well, and that does depend on the order."""
    why = found["relationships/group_channel/links/c1/why"]
    kept = {name: value for name, value in why.items() if name not in ("history", "facts")}
    facts = sorted((fact["source"], fact["id"]) for fact in why["facts"])
    return {**found, "relationships/group_channel/links/c1/why": {**kept, "facts": facts}}


@pytest.mark.parametrize("deliver", [one_by_one, at_once, in_two_halves])
async def test_every_order_ends_in_the_same_rows(settings: Settings, deliver: Callable[..., Any]) -> None:
    found = []
    async with serving(settings) as app:
        for number, order in enumerate(ORDERS):
            async with client(app, await new_key(settings.database_url, f"order-{number}")) as facts:
                await deliver(facts, order)
                found.append(without_history(await rows(facts)))
    assert len(found) == 24
    for one in found:
        assert one == found[0]
    assert found[0]["entities/group/g1"]["data"] == {"name": "Chess club"}
    assert found[0]["entities/group/g1"]["state"] == "live"
    assert found[0]["relationships/group_channel/links"]["items"] == [
        {"child": "c1", "parent": "g1", "state": "linked"}
    ]
    assert found[0]["relationships/group_channel"]["counts"]["linked"] == 1
    assert found[0]["waiting"]["items"] == found[0]["quarantine"]["items"] == []
