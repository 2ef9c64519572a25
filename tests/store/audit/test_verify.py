"""Whatever is wrong with the tables is found, named and counted; what is right passes."""

import asyncio
import io
from pathlib import Path

import pytest
from rich.console import Console

from config import Settings
from errors import Refused
from store.audit.verify import TenantReport, run, verify
from tests.store.write.test_histories import people
from tests.support.events import Event, event
from tests.support.tenants import CATALOG, StoreTenant, expected_lines

TOLD: list[Event] = [
    event("CategoryAdded", "light", 1, name="Light"),
    event("CategoryRemoved", "dark", 1),
    event("ItemAdded", "lamp", 1, name="Lamp", category="light"),
    event("ItemAdded", "torch", 1, name="Torch", category="light"),
    event("ItemAdded", "moon", 1, name="Moon", category="sky"),
    event("ItemRemoved", "match", 1),
    event("GroupCreated", "g", 1, name="G"),
    event("GroupCreated", "alone", 1, name="Alone"),
    event("ChannelCreated", "c", 1, name="C", requested_by="g"),
]

_BLOCKS = (Path(__file__).parent / "damage.txt").read_text().split("\n\n")[1:]
DAMAGE = [[line.strip() for line in block.strip().splitlines()] for block in _BLOCKS]
"""[what is done to the tables, which check must find it, what its example must say]"""
BY_REBUILDING = ("every fact has a contract", "the tables hold what the facts say")


async def told(tenant: StoreTenant) -> None:
    await tenant.record_batches([[event] for event in TOLD])


async def look(tenant: StoreTenant, rebuild: bool = True) -> TenantReport:
    (verified,) = (await verify(tenant.pool, tenant.catalog, tenant.name, rebuild)).tenants
    return verified


async def test_what_is_right_passes(tenant: StoreTenant) -> None:
    await told(tenant)
    await tenant.assert_holds(TOLD)
    verified = await look(tenant)
    assert (verified.revision, verified.ledger) == (9, verified.tables)
    assert verified.counts == {
        "facts": 9,
        "facts in quarantine": 0,
        "waits": 2,
        "waits past their due time": 0,
        "operations in progress": 0,
        "outbox rows not dispatched": 3,
        "outbox rows of instances without a wait": 2,
    }
    assert (await look(tenant, rebuild=False)).tables == verified.tables


@pytest.mark.parametrize(("damage", "check", "example"), DAMAGE, ids=[damage[0][:60] for damage in DAMAGE])
async def test_damage_is_found(tenant: StoreTenant, damage: str, check: str, example: str) -> None:
    await told(tenant)
    async with tenant.pool.acquire() as conn:
        await conn.execute(damage)
    verified = await look(tenant)
    found = {one.name: one for one in verified.violated}
    assert check in found
    assert found[check].count >= 1
    assert example in found[check].example
    if check not in BY_REBUILDING:
        assert check in {one.name for one in (await look(tenant, rebuild=False)).violated}


async def test_differences_are_all_counted_and_ten_are_told(tenant: StoreTenant) -> None:
    await tenant.record(*(event("ItemAdded", f"lamp-{n}", 1, name="Lamp") for n in range(25)))
    await tenant.pool.execute("update entities set data = '{}'")
    (found,) = (await look(tenant)).violated
    assert (found.count, len(found.example.splitlines())) == (25, 10)


async def test_lines_are_in_the_order_of_their_bytes_whatever_the_keys(tenant: StoreTenant) -> None:
    keys = ["a", "a|live|!", 'a|live|{"name"', "a!", "a|", "é", "z", "😀", "\uffee", "a|live|{|live|"]
    events = [event("ItemAdded", key, 1, name="N", category=keys[n - 1]) for n, key in enumerate(keys)]
    await tenant.record(*events)
    assert await tenant.lines() == expected_lines(tenant.catalog, events)
    await tenant.assert_holds(events)


async def test_every_tenant_is_looked_at_by_itself(tenant: StoreTenant) -> None:
    other = tenant.other_tenant()
    await told(tenant)
    await other.record(*people(3))
    await tenant.pool.execute("delete from waits where tenant = $1", tenant.name)
    report = await verify(tenant.pool, CATALOG, rebuild=True)
    assert [(one.tenant, bool(one.violated)) for one in report.tenants] == [("main", True), (other.name, False)]
    assert not report.sound


def test_the_command_says_if_there_is_nothing(settings: Settings) -> None:
    said = io.StringIO()
    assert run(settings, True, Console(file=said, width=200)) == 0
    assert said.getvalue() == "The ledger is empty: no tenant has recorded a fact.\n"


async def test_the_command_says_what_it_found_and_ends_with_1_if_anything_is_violated(
    tenant: StoreTenant, settings: Settings
) -> None:
    await tenant.record(event("ItemAdded", "[red]lamp", 1, name="Lamp", category="[/]"))
    said = io.StringIO()
    assert await asyncio.to_thread(run, settings, True, Console(file=said, width=220)) == 0
    assert "main, revision 1" in said.getvalue()
    assert said.getvalue().count("equal") == 2 + len(CATALOG.relationships)
    await tenant.pool.execute("delete from waits")
    said = io.StringIO()
    assert await asyncio.to_thread(run, settings, False, Console(file=said, width=220)) == 1
    assert "category_item [/]: is missing parent of categories" in said.getvalue()


async def test_a_database_that_is_not_migrated_is_refused(tenant: StoreTenant, settings: Settings) -> None:
    await tenant.pool.execute("drop schema tether cascade")
    with pytest.raises(Refused, match="Run `tether migrate`"):
        await asyncio.to_thread(run, settings, False, Console(file=io.StringIO()))


async def test_children_of_what_is_gone_must_be_seen_to_by_somebody(tenant: StoreTenant) -> None:
    await tenant.record(
        event("EventCreated", "cup", 1, name="Cup"), event("TeamCreated", "t", 1, name="T", event_id="cup")
    )
    await tenant.record(event("EventDeleted", "cup", 2))
    assert (await look(tenant)).violated == []
    await tenant.pool.execute("delete from outbox where workflow = 'cascade'")
    (found,) = (await look(tenant)).violated
    assert (found.name, found.count) == ("children of deleted parents have a cascade", 1)
    assert found.example == "t of event cup"
