"""Facts about a group and its channel, published over HTTP in every order: the API answers the same in the end."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from config import Settings
from facts.correlation import encode
from tests.support.events import Event, event
from tests.support.http import Client, client, new_key, serving

AT = "2026-01-03T12:00:00Z"
"""Time of the facts, which the explanation contains; without it, that is the time at which a fact was received."""
GROUP = event("GroupCreated", "g1", 1, time=AT, name="Chess")
CHANNEL = {**event("ChannelCreated", "c1", 1, time=AT, name="Chess"), "correlationid": encode("group_channel", "g1")}
RENAMED = event("GroupRenamed", "g1", 2, time=AT, name="Chess club")
ORDERS = list(permutations((GROUP, CHANNEL, RENAMED, dict(GROUP))))
VOLATILE = {"token", "revision", "since", "next", "workflow"}
"""Fields with tokens or times, and ids of workflows, which contain the tenant."""


async def one_by_one(to: Client, order: tuple[Event, ...]) -> None:
    for one in order:
        await to.publish(one)


async def in_one_batch(to: Client, order: tuple[Event, ...]) -> None:
    await to.publish(*order)


async def in_two_batches(to: Client, order: tuple[Event, ...]) -> None:
    await to.publish(*order[:2])
    await to.publish(*order[2:])


async def rows(of: Client) -> dict[str, Any]:
    """The answers of the API by path, without volatile fields."""
    paths = (
        "entities/group/g1",
        "entities/channel/c1",
        "relationships/group_channel",
        "relationships/group_channel/links",
        "relationships/group_channel/links/c1/why",
        "waiting",
        "quarantine",
    )
    return {
        path: without_volatile(await of.get(path, **{"counts": True} if path.endswith("channel") else {}))
        for path in paths
    }


def without_volatile(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: without_volatile(value) for name, value in found.items() if name not in VOLATILE}
    return [without_volatile(item) for item in found] if isinstance(found, list) else found


def without_history(found: dict[str, Any]) -> dict[str, Any]:
    """Without the history in the explanation of the link, which depends on the order of the facts."""
    why = found["relationships/group_channel/links/c1/why"]
    kept = {name: value for name, value in why.items() if name not in ("history", "facts")}
    facts = sorted((fact["source"], fact["id"]) for fact in why["facts"])
    return {**found, "relationships/group_channel/links/c1/why": {**kept, "facts": facts}}


@pytest.mark.parametrize("deliver", [one_by_one, in_one_batch, in_two_batches])
async def test_every_order_of_facts_ends_in_the_same_answers(settings: Settings, deliver: Callable[..., Any]) -> None:
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
