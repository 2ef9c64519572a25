"""The unfinished part of the scenario: waits, operations and cascades whose owners are unavailable, slow or refuse."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from contracts.vocabulary import Command, Key
from relationships.catalog import Catalog
from store import cascades, moves, operations, plans
from store.plans import Wish
from tests.takeover import rows
from tests.takeover.environment import MAIN, SOUTH, Environment, Tenant, fact
from tests.workflows.house import until
from workflows.subjects import Subject

AN_HOUR, A_DAY = timedelta(hours=1), timedelta(hours=25)


class MoveFlight(Command, method="POST", path="/flights/{flight_id}/moves"):
    """Let another plane fly this flight. Declared only while the operations that need it are requested."""

    flight_id: Key
    tailnum: str


def with_move_of_flights(catalog: Catalog) -> Catalog:
    """The declarations, and a command that moves a flight to another plane."""
    relationship = replace(catalog.relationship("plane_flight"), move=MoveFlight)
    return Catalog(catalog.contracts, {**catalog.relationships, "plane_flight": relationship})


def without_deletion_of_channels(catalog: Catalog) -> Catalog:
    """The declarations without the command that deletes a channel."""
    deleting = {kind: command for kind, command in catalog.contracts.deleting.items() if kind != "channel"}
    return Catalog(replace(catalog.contracts, deleting=deleting), catalog.relationships)


async def play(environment: Environment) -> None:
    """To be called while the worker and the dispatcher run with the declarations of ``with_move_of_flights``."""
    await _waits(environment.main)
    await _waits(environment.south)
    await _groups_unavailable(environment)
    await _channels_unavailable(environment)
    await _cascades(environment)
    await _plans(environment)
    await _moves(environment)
    await _deletions(environment)
    await _moves_of_flights(environment.main)
    await _continue_as_new(environment, environment.main.instance("group_channel", "sailing").subject)
    await _continue_as_new(environment, environment.end("summer"))


async def play_undeclared(environment: Environment, declared: Catalog) -> None:
    """To be called while the worker and the dispatcher run with the declarations of ``without_deletion_of_channels``:
    three operations that cannot continue without their declarations, and say so."""
    main, key = environment.main, "delete-lounge"
    row = await cascades.start(main.pool, declared, MAIN, "channel", "lounge", actor="test", idempotency_key=key)
    await main.tell(fact("planes", "PlaneAdded", "N2", 1))
    flights = [await rows.operation_of(main, "move", "plane_flight", flight) for flight in ("UA1", "UA2")]
    for id in (row["id"], *flights):
        await _stuck(main, id)


async def _waits(tenant: Tenant) -> None:
    """A wait for a category that has a workflow, one that is overdue, and an explicit link of two unknown entities."""
    for item, category, age in (("rake", "garden", AN_HOUR), ("trunk", "attic", A_DAY)):
        await tenant.tell(fact("items", "ItemAdded", item, 1, name=item.title(), category=category))
        await rows.backdate_wait(tenant, "category_item", category, age)
    await tenant.waiting("category_item", "garden")
    await tenant.told("RelationshipOverdue")
    await tenant.link("category_item", "studio", "easel", key="link-easel")
    await tenant.waiting("category_item", "studio")


async def _groups_unavailable(environment: Environment) -> None:
    """A deleted group whose channel was deleted by a cascade of cascades; the removal of its member fails."""
    environment.network.unavailable.add("/groups/crew/members")
    await environment.do("groups", "DELETE", "/groups/crew")
    await environment.known("channel_member", ["channel-of-Crew/hal"], "deleted")
    await _children(environment, "group", "crew", failing=1, done=1)


async def _channels_unavailable(environment: Environment) -> None:
    """Channels that were created and whose facts have not arrived, one of them after a lost answer; one that was
    refused; then the owner is unavailable. The name in a request that failed is changed before the next attempt."""
    network, main = environment.network, environment.main
    environment.delivery.delayed |= {"channel-of-Sailing", "channel-of-Golf"}
    network.lost_answers.add("golf")
    for group in ("Sailing", "Golf", "Never"):
        await environment.do("groups", "POST", "/groups", id=group.lower(), name=group)
    await main.waiting("group_channel", "sailing")
    await _note(main, "group_channel", "golf", "answered 503")
    await _note(main, "group_channel", "never", "refused with 422")
    network.away.add("channels")
    await environment.do("groups", "POST", "/groups", id="tennis", name="Tennis")
    await _note(main, "group_channel", "tennis", "answered 503")
    await environment.do("groups", "PATCH", "/groups/tennis", name="Tennis, renamed")
    await environment.do("groups", "POST", "/groups/tennis/members", user="cid")
    await _note(main, "membership", "tennis/cid", "group_channel comes first")
    await environment.do("groups", "DELETE", "/groups/chess/members/bob")
    await _children(environment, "group_member", "chess/bob", failing=1)
    await environment.do("groups", "DELETE", "/groups/dance")
    await _children(environment, "group", "dance", failing=1)


async def _cascades(environment: Environment) -> None:
    """A cascade with children in every state, and one whose event was created anew before it was complete. A plan to
    delete the latter was made before."""
    main = environment.main
    environment.network.unavailable |= {"/teams/f", "/teams/a1"}
    environment.delivery.delayed |= {"q1", "q2"}
    await environment.do("events", "DELETE", "/events/summer")
    await _children(environment, "event", "summer", done=2, asked=2, failing=2, parked=2)
    wish = Wish("delete", entity_kind="event", key="autumn")
    await plans.create(main.pool, main.catalog, MAIN, wish, "test")
    await environment.do("events", "DELETE", "/events/autumn")
    await _children(environment, "event", "autumn", done=1, failing=1)
    await environment.do("events", "POST", "/events", id="autumn", name="Autumn, second life")
    await environment.cascaded("autumn")


async def _plans(environment: Environment) -> None:
    """A plan that is half executed, and plans that were not executed."""
    pool, catalog = environment.main.pool, environment.main.catalog
    environment.network.unavailable.add("/teams/k4")
    environment.delivery.delayed.add("k3")
    row = await environment.execute(Wish("move", relationship="event_team", parent="league", to="cup"))
    await _children(environment, "", row["id"], done=2, asked=1, failing=1, parked=1)
    await plans.create(pool, catalog, MAIN, Wish("delete", entity_kind="event", key="congress"), "test")
    move = Wish("move", relationship="event_team", children=("m4",), to="cup")
    await plans.create(pool, catalog, MAIN, move, "test")
    await plans.create(pool, catalog, MAIN, Wish("detach", relationship="event_team", parent="home"), "test")
    await plans.create(pool, catalog, SOUTH, Wish("delete", entity_kind="event", key="spring"), "test")


async def _moves(environment: Environment) -> None:
    """Moves that wait for their target, for the owner, and for the owner's fact, after which the team has moved again;
    and three moves of one team."""
    main, south = environment.main, environment.south
    await environment.ask_move("m1", "future", "move-m1")
    await environment.ask_move("m5", "nowhere")
    await environment.ask_move("m6", "nowhere")
    for team, target in (("m1", "future"), ("m5", "nowhere"), ("m6", "nowhere")):
        await environment.says(environment.moves(team), f"waiting for event {target}")
    environment.delivery.delayed.add("m3")
    await environment.ask_move("m3", "cup")
    await environment.says(environment.moves("m3"), "waiting for team m3 to be told in event cup by teams")
    await environment.do("teams", "POST", "/teams/m3/moves", event_id="open")
    environment.network.away.add("teams")
    first = await environment.ask_move("m2", "cup", "move-m2")
    await _stuck(main, first)
    second = await environment.ask_move("m2", "cup")
    await environment.ask_move("m2", "future")
    await main.operated(second, "superseded")
    by = south.relationship("event_team")
    await moves.start(south.pool, SOUTH, by, child="s1", to="nowhere", actor="test", idempotency_key="move-s1")
    await environment.says(south.subject("move", "event_team", "s1"), "waiting for event nowhere")


async def _deletions(environment: Environment) -> None:
    """Two deletions that were cancelled after the owner had made them: its facts have not arrived, and one of them will
    have no correlation id. And one whose owner is unavailable."""
    main = environment.main
    environment.delivery.delayed |= {"gala", "jubilee"}
    for event in ("gala", "jubilee"):
        id = await environment.ask_delete(event)
        await environment.says(environment.end(event), "waiting for EventDeleted")
        await operations.cancel(main.pool, MAIN, id)
        await main.operated(id, "cancelled")
    environment.network.away.add("events")
    await _stuck(main, await environment.ask_delete("winter", by="delete-winter"))


async def _moves_of_flights(main: Tenant) -> None:
    """Two moves that wait for an unknown plane."""
    await main.tell(
        fact("airlines", "AirlineAdded", "UA", 1, name="United"),
        fact("airports", "AirportAdded", "EWR", 1, name="Newark"),
        fact("airports", "AirportAdded", "ORD", 1, name="Chicago"),
        fact("planes", "PlaneAdded", "N1", 1),
    )
    by = main.relationship("plane_flight")
    data: dict[str, Any] = {"carrier": "UA", "flight": 1, "origin": "EWR", "dest": "ORD", "tailnum": "N1"}
    data["distance"] = 719.0
    for flight in ("UA1", "UA2"):
        await main.tell(fact("flights", "FlightScheduled", flight, 1, **data))
        await moves.start(main.pool, MAIN, by, child=flight, to="N2", actor="test", idempotency_key=None)


async def _continue_as_new(environment: Environment, subject: Subject) -> None:
    """Sends signals until the workflow continues as new."""
    handle = environment.main.workflow(subject)
    first = (await handle.describe()).run_id

    async def continued() -> bool:
        await handle.signal("TeamCreated", {"source": "/teams", "id": "of no consequence", "revision": 1})
        return (await handle.describe()).run_id != first

    await until(continued)


async def _note(tenant: Tenant, relationship: str, parent: str, part: str) -> None:
    """Returns when the note of a wait contains this."""

    async def noted() -> bool:
        wait = await tenant.wait(relationship, parent)
        return wait is not None and part in wait["note"]

    await until(noted)


async def _stuck(tenant: Tenant, operation: str) -> None:
    """Returns when an operation is stuck and says why."""

    async def stuck() -> bool:
        row = await tenant.operation(operation)
        return bool(row["reason"] and row["stuck_since"])

    await until(stuck)


async def _children(environment: Environment, kind: str, key: str, **expected: int) -> None:
    """Returns when the children of an operation are in these states: of the cascade of an entity; without a kind, of
    the operation with this id."""

    async def reached() -> bool:
        row = await environment.cascade(key, kind) if kind else {"id": key}
        return row is not None and await rows.item_states(environment.main, row["id"]) == expected

    await until(reached)
