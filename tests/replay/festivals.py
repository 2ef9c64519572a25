"""Runs of the workflows of operations, for ``record``: what happens in each, and what its workflow is about."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from messages.workflow_ids import Subject
from store.operations import operations, plans
from store.operations.plans import Wish
from tests.support.festival import Festival
from tests.support.harness import until
from tests.workflows.cascade.test_cascades import call_off, stuck

Festivity = Callable[[Festival], Awaitable[Subject]]


async def _known(festival: Festival, *teams: str) -> None:
    await festival.events("a", "b")
    await festival.teams("a", *teams)


async def move_done(festival: Festival) -> Subject:
    """Asked for, told, done."""
    await _known(festival, "t")
    await festival.house.operated(await festival.ask_move("t", "b"), "done")
    return festival.moves("t")


async def move_waiting(festival: Festival) -> Subject:
    """To an event that comes later."""
    await festival.events("a")
    await festival.teams("a", "t")
    id = await festival.ask_move("t", "b")
    await festival.says(festival.moves("t"), "waiting for event b")
    await festival.events("b")
    await festival.house.operated(id, "done")
    return festival.moves("t")


async def move_refused(festival: Festival) -> Subject:
    """The owner of teams does not want to."""
    await _known(festival, "t")
    festival.road.refused["/moves"] = (422, "no")
    await festival.house.operated(await festival.ask_move("t", "b"), "refused")
    return festival.moves("t")


async def move_queued(festival: Festival) -> Subject:
    """One is asked for, one superseded, and the third has its turn; the owner is away at first."""
    await _known(festival, "t")
    festival.road.away.add("teams")
    festival.post.holding.add("teams")
    first = await festival.ask_move("t", "b")
    await festival.says(festival.moves("t"), "answered 503")
    second, third = await festival.ask_move("t", "b"), await festival.ask_move("t", "a")
    await festival.house.operated(second, "superseded")
    festival.road.away.clear()
    await festival.house.fast_forward(festival.moves("t"), timedelta(hours=2))
    moved = await festival.post.has("TeamMoved", "t")
    festival.post.holding.clear()
    await festival.house.tell(moved)
    await festival.house.operated(first, "done")
    await festival.house.operated(third, "done")
    return festival.moves("t")


async def cascade_by_fact(festival: Festival) -> Subject:
    """An owner deletes an event that has teams."""
    await _known(festival, "t1", "t2")
    await call_off(festival)
    await festival.cascaded("a")
    return festival.end("a")


async def cascade_by_operation(festival: Festival) -> Subject:
    """Somebody asks for the deletion."""
    await _known(festival, "t1", "t2")
    festival.post.holding.add("events")
    id = await festival.ask_delete("a")
    deleted = await festival.post.has("EventDeleted", "a")
    await festival.says(festival.end("a"), "waiting for EventDeleted")
    await festival.house.tell(deleted)
    await festival.house.operated(id, "done")
    return festival.end("a")


async def cascade_late(festival: Festival) -> Subject:
    """The run that sees to a team which comes after all was over."""
    await cascade_by_fact(festival)
    await festival.house.closed(festival.end("a"))
    await festival.do("teams", "POST", "/teams", id="late", name="late", event_id="a")
    await festival.known("team", ["late"], "deleted")
    return festival.end("a")


async def cascade_stuck(festival: Festival) -> Subject:
    """The owner of teams is away for hours."""
    await _known(festival, "t1", "t2")
    festival.road.away.add("teams")
    await call_off(festival)
    await stuck(festival)
    await festival.says(festival.end("a"), "answered 503")
    festival.road.away.clear()
    await festival.house.fast_forward(festival.end("a"), timedelta(hours=2))
    await festival.cascaded("a")
    return festival.end("a")


async def cascade_cancelled(festival: Festival) -> Subject:
    """Somebody stops it."""
    await _known(festival, "t1", "t2")
    festival.road.away.add("teams")
    await call_off(festival)
    row = await stuck(festival)
    await festival.says(festival.end("a"), "answered 503")
    await operations.cancel(festival.house.pool, festival.house.tenant, row["id"])
    await festival.cascaded("a", "cancelled")
    return festival.end("a")


async def cascade_continued(festival: Festival) -> Subject:
    """A run that made way for another, the owner being away: this is the first."""
    await _known(festival, "t1")
    festival.road.away.add("teams")
    await call_off(festival)
    await festival.says(festival.end("a"), "answered 503")
    handle = festival.house.workflow(festival.end("a"))
    first = (await handle.describe()).run_id

    async def made_way() -> bool:
        await handle.signal("TeamCreated", {"source": "/teams", "id": "x", "revision": 1})
        return (await handle.describe()).run_id != first

    await until(made_way)
    festival.road.away.clear()
    await festival.house.fast_forward(festival.end("a"), timedelta(hours=2))
    await festival.cascaded("a")
    return festival.end("a")


async def plan_moves(festival: Festival) -> Subject:
    """A plan that moves the teams of one event to another."""
    await _known(festival, "t1", "t2", "t3")
    house = festival.house
    wish = Wish(kind="move", relationship="event_team", children=("t1", "t2"), to="b")
    plan = await plans.create(house.pool, house.catalog, house.tenant, wish, "test")
    row = await plans.execute(
        house.pool, house.catalog, house.tenant, plan.id, include_appeared=False, actor="test", idempotency_key=None
    )
    await house.operated(row["id"], "done")
    return house.subject("plan", "move", row["id"])


FESTIVITIES: dict[str, Festivity] = {
    festivity.__name__: festivity
    for festivity in (
        move_done,
        move_waiting,
        move_refused,
        move_queued,
        cascade_by_fact,
        cascade_by_operation,
        cascade_late,
        cascade_stuck,
        cascade_cancelled,
        cascade_continued,
        plan_moves,
    )
}
