"""A cascade whose children are merged requests the survivor's record, and the others once they are children again."""

from pathlib import Path
from typing import Any

from catalog import catalog as catalogs
from store.db.pool import Pool
from store.migrate import migrate
from store.operations import cascades, children_to_request
from tests.support.events import Event, event
from tests.support.tenants import StoreTenant

LEAGUE = catalogs.load([Path(__file__).parents[2] / "support" / "catalogs" / "league"])


def fact(type: str, key: str, sequence: int, **data: Any) -> Event:
    return event(type, key, sequence, source="/league", **data)


async def requested(tenant: StoreTenant) -> list[str]:
    """The players that the cascade of the team requests next."""
    at = tenant.pool, tenant.catalog, tenant.name
    status = await cascades.advance(*at, "team", "t")
    assert status.operation is not None
    relationship = LEAGUE.relationship("team_player")
    page = await children_to_request.next_page(*at, status.operation.id, relationship, "", 10, repeat=False)
    return [] if page is None else [candidate.child.key for candidate in page.candidates]


async def test_records_of_a_merged_child_are_requested_one_after_the_other(pool: Pool) -> None:
    await migrate(pool, LEAGUE)
    tenant = StoreTenant(pool, LEAGUE)
    await tenant.record(event("EventCreated", "e", 1, name="e"), event("TeamCreated", "t", 1, name="t", event_id="e"))
    await tenant.record(*(fact("PlayerCreated", key, 1, of="t") for key in ("p", "q")))
    await tenant.record(fact("PlayersMerged", "p", 2, survivor="p", losers=["q"]))
    await tenant.record(event("TeamDeleted", "t", 2))
    assert await requested(tenant) == ["p"]
    await tenant.record(fact("PlayersParted", "p", 3, survivor="p", losers=["q"]))
    assert await requested(tenant) == ["p", "q"]
    await tenant.record(*(fact("PlayerDeleted", key, 4) for key in ("p", "q")))
    assert (await tenant.audit()).violated == []
