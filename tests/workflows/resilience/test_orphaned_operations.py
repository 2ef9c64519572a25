"""Operations under way whose declarations are taken out of the catalog."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from catalog.catalog import Catalog
from store.operations import operations
from store.operations.plans import Wish
from tests.support.festival import Festival
from tests.support.harness import until

pytestmark = pytest.mark.stack


def without(catalog: Catalog, *commands: str) -> Catalog:
    """Declared as it was, but for these commands of event_team; without any: but for event_team."""
    rels = dict(catalog.relationships)
    rel = rels.pop("event_team")
    if commands:
        lacking: dict[str, Any] = dict.fromkeys(commands)
        rels["event_team"] = replace(rel, **lacking)
    return Catalog(catalog.contracts, rels)


async def reasoned(festival: Festival, id: str) -> str:
    """Why it does not go on, once that is known to be its declaration."""

    async def said() -> str:
        row = await festival.house.operation(id)
        return str(row["reason"]) if row["reason"].startswith("not declared") and row["stuck_since"] else ""

    reason: str = await until(said)
    return reason


@pytest.mark.parametrize("commands", [(), ("move",)])
async def test_a_move_that_nobody_can_make_any_more_says_so_and_can_be_stopped(
    festival: Festival, commands: tuple[str, ...]
) -> None:
    house, declared = festival.house, festival.house.catalog
    async with house.open():
        await festival.events("a", "b")
        await festival.teams("a", "t1")
        id = await festival.ask_move("t1", "nowhere")
        await festival.says(festival.moves("t1"), "waiting for event nowhere")
    house.catalog = without(declared, *commands)
    await operations.cancel(house.pool, house.tenant, id)
    async with house.open():
        row = await house.operated(id, "cancelled")
    assert row["reason"].startswith("not declared any more: a command that moves by event_team; declare it again")


async def test_a_move_goes_on_once_it_is_declared_again(festival: Festival) -> None:
    house, declared = festival.house, festival.house.catalog
    async with house.open():
        await festival.events("a")
        await festival.teams("a", "t1")
        id = await festival.ask_move("t1", "b")
        await festival.says(festival.moves("t1"), "waiting for event b")
    house.catalog = without(declared, "move")
    async with house.open():
        await festival.events("b")
        await reasoned(festival, id)
    house.catalog = declared
    async with house.open():
        await house.fast_forward(festival.moves("t1"), timedelta(minutes=2))
        await house.operated(id, "done")
    assert await house.links("event_team") == {"t1": "b"}


@pytest.mark.parametrize("commands", [(), ("move",)])
async def test_a_move_that_was_being_asked_is_asked_again_once_it_is_declared(
    festival: Festival, commands: tuple[str, ...]
) -> None:
    house, declared = festival.house, festival.house.catalog
    festival.road.refused = {"/moves": (503, "")}
    async with house.open():
        await festival.events("a", "b")
        await festival.teams("a", "t1")
        id = await festival.ask_move("t1", "b")

        async def tried_twice() -> bool:
            return len(festival.road.asked) >= 2

        await until(tried_twice)
    house.catalog = without(declared, *commands)
    async with house.open():
        await reasoned(festival, id)
    festival.road.refused = {}
    house.catalog = declared
    async with house.open():
        await house.fast_forward(festival.moves("t1"), timedelta(minutes=10))
        await house.operated(id, "done")
    assert await house.links("event_team") == {"t1": "b"}


async def test_a_deletion_that_was_being_asked_is_asked_again_once_it_is_declared(festival: Festival) -> None:
    house, declared = festival.house, festival.house.catalog
    festival.road.refused = {"/events/a": (503, "")}
    async with house.open():
        await festival.events("a")
        id = await festival.ask_delete("a")

        async def tried_twice() -> bool:
            return len(festival.road.asked) >= 2

        await until(tried_twice)
    deleting = {kind: command for kind, command in declared.contracts.deleting.items() if kind != "event"}
    house.catalog = Catalog(replace(declared.contracts, deleting=deleting), declared.relationships)
    async with house.open():
        assert "a command that deletes a event" in await reasoned(festival, id)
    festival.road.refused = {}
    house.catalog = declared
    async with house.open():
        await house.fast_forward(festival.end("a"), timedelta(minutes=10))
        await house.operated(id, "done")
    assert await festival.state("event", "a") == "deleted"


async def test_a_plan_whose_command_is_not_declared_any_more_waits_for_it(festival: Festival) -> None:
    house, declared = festival.house, festival.house.catalog
    festival.road.refused = {"/event": (503, "")}
    async with house.open():
        await festival.events("a")
        await festival.teams("a", "t1")
        id = (await festival.execute(Wish("detach", relationship="event_team", parent="a")))["id"]

        async def stuck() -> bool:
            return bool((await house.operation(id))["reason"])

        await until(stuck)
    house.catalog = without(declared, "detach")
    festival.road.refused = {}
    async with house.open():
        assert "a command for detach by event_team" in await reasoned(festival, id)
    asked = list(festival.road.asked)
    house.catalog = declared
    async with house.open():
        row = await house.operated(id, "done")
    assert (row["reason"], len(festival.road.asked) - len(asked)) == ("", 1)
    assert await festival.teams_at_owner() == {"t1": None}
