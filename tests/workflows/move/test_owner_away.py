"""Moves whose owner is away, or whose answers are lost."""

from datetime import timedelta
from typing import Any

import pytest

from store.operations import operations
from tests.support.festival import Festival
from tests.support.harness import until
from tests.workflows.move.test_moves import A_DAY, at_rest

pytestmark = pytest.mark.stack


async def stuck(festival: Festival, id: str, part: str) -> Any:
    """An operation, once it says that it is stuck, and why."""

    async def there() -> Any:
        row = await festival.house.operation(id)
        return row if row["stuck_since"] is not None and part in row["reason"] else None

    return await until(there)


async def test_an_owner_that_is_away_is_asked_until_it_is_back(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.road.away.add("teams")
    id = await festival.ask_move("t", "b")
    row = await stuck(festival, id, "MoveTeam at teams answered 503")
    assert row["state"] == "asked"
    festival.road.away.clear()
    await house.fast_forward(festival.moves("t"), timedelta(hours=2))
    row = await house.operated(id, "done")
    assert (row["reason"], row["stuck_since"]) == ("", None)
    assert len(set(festival.road.keys)) == 1
    assert len(festival.road.keys) > 1
    assert await festival.effects("teams") == 1
    await at_rest(festival, "t")


async def test_an_owner_that_stays_away_lets_the_move_expire_with_the_reason(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.road.away.add("teams")
    id = await festival.ask_move("t", "b")
    await stuck(festival, id, "answered 503")
    await house.fast_forward(festival.moves("t"), A_DAY)
    row = await house.operated(id, "expired")
    assert "answered 503" in row["reason"]
    assert row["reason"].endswith("; it may still move")
    await house.closed(festival.moves("t"))


async def test_a_reply_that_is_lost_after_its_effect_has_that_effect_once(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.post.holding.add("teams")
    festival.road.lost["teams"] = 2
    id = await festival.ask_move("t", "b")
    await stuck(festival, id, "answered 503")
    await house.fast_forward(festival.moves("t"), timedelta(minutes=1))

    async def asked_again() -> bool:
        return len(festival.road.keys) >= 3 and (await house.operation(id))["stuck_since"] is None

    await until(asked_again)
    await festival.post.let_go()
    await house.operated(id, "done")
    assert list((await festival.commands("teams")).values()) == [(3, 1)]
    assert len(await house.facts("TeamMoved")) == 1
    await at_rest(festival, "t")


async def test_a_move_that_is_cancelled_while_its_owner_is_away_asks_no_more(open_festival: Festival) -> None:
    festival, house = open_festival, open_festival.house
    await festival.events("a", "b")
    await festival.teams("a", "t")
    festival.road.away.add("teams")
    id = await festival.ask_move("t", "b")
    await stuck(festival, id, "answered 503")
    await operations.cancel(house.pool, house.tenant, id)
    await house.operated(id, "cancelled")
    await house.closed(festival.moves("t"))
    festival.road.away.clear()
    assert await festival.effects("teams") == 0
    assert await house.links("event_team") == {"t": "a"}
