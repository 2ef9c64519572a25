"""`tether verify` finds, names and counts what is wrong in the tables, and reports nothing on sound ones."""

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
from tests.support.merging import activity
from tests.support.tenants import CATALOG, StoreTenant, expected_lines

RECORDED: list[Event] = [
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

MERGES: list[Event] = [
    event("CompanyAdded", "acme", 1, name="Acme"),
    event("PersonCreated", "ann", 1, name="Ann"),
    event("PersonCreated", "bea", 1, name="Bea", company_id="acme"),
    event("TicketOpened", "t", 1, subject="Help", person_id="bea"),
    event("TicketOpened", "u", 1, subject="Help", person_id="uwe"),
    event("PersonMerged", "ann", 2, survivor="ann", losers=["bea"]),
    event("PeopleKeptApart", "bea", 3, one="bea", other="cid"),
    event("PersonMerged", "ann", 4, survivor="ann", losers=["cid"]),
]


def _damage(file: str) -> list[list[str]]:
    """Returns lists of [SQL that damages the tables, check that must find it, part of the example it must show]."""
    blocks = (Path(__file__).parent / file).read_text().split("\n\n")[1:]
    return [[line.strip() for line in block.strip().splitlines()] for block in blocks]


DAMAGE, DAMAGE_OF_MERGES = _damage("damage.txt"), _damage("damage_merges.txt")
FOUND_BY_REBUILD_ONLY = ("every fact has a contract", "the tables hold what the facts say")


async def record_facts(tenant: StoreTenant) -> None:
    await tenant.record_batches([[event] for event in RECORDED])


async def verify_tenant(tenant: StoreTenant, rebuild: bool = True) -> TenantReport:
    (report,) = (await verify(tenant.pool, tenant.catalog, tenant.name, rebuild)).tenants
    return report


async def test_sound_tables_violate_no_check(tenant: StoreTenant) -> None:
    await record_facts(tenant)
    await tenant.assert_holds(RECORDED)
    verified = await verify_tenant(tenant)
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
    assert (await verify_tenant(tenant, rebuild=False)).tables == verified.tables


@pytest.mark.parametrize(("damage", "check", "example"), DAMAGE, ids=[damage[0][:60] for damage in DAMAGE])
async def test_damage_is_found_by_its_check(tenant: StoreTenant, damage: str, check: str, example: str) -> None:
    await record_facts(tenant)
    await assert_found(tenant, damage, check, example)


@pytest.mark.parametrize(
    ("damage", "check", "example"), DAMAGE_OF_MERGES, ids=[damage[0][:60] for damage in DAMAGE_OF_MERGES]
)
async def test_damage_of_merges_is_found(tenant: StoreTenant, damage: str, check: str, example: str) -> None:
    await tenant.record_batches([[event] for event in MERGES])
    await tenant.assert_holds(MERGES)
    await assert_found(tenant, damage, check, example)


async def assert_found(tenant: StoreTenant, damage: str, check: str, example: str) -> None:
    """Damages the tables, and asserts that the check finds it."""
    async with tenant.pool.acquire() as conn:
        await conn.execute(damage)
    verified = await verify_tenant(tenant)
    found = {one.name: one for one in verified.violated}
    assert check in found
    assert found[check].count >= 1
    assert example in found[check].example
    if check not in FOUND_BY_REBUILD_ONLY:
        assert check in {one.name for one in (await verify_tenant(tenant, rebuild=False)).violated}


@pytest.mark.parametrize(
    ("damage", "example"),
    [
        (
            "delete from activities where id = '2'",
            "activity '2' of /activities for person 'ann' is missing, by its fact",
        ),
        (
            "update activities set key = 'bob' where id = '1'",
            "activity '1' of /activities for person 'bob': no fact says so",
        ),
        (
            "update activities set to_revision = 9223372036854775807",
            "activity '3' of /activities for person 'ann': no fact",
        ),
        ("update activities set happened = now()", "activity '1' of /activities for person 'ann'"),
        (
            'update facts set data = \'{"person_id": "ann", "what": "left"}\' where id = \'2\'',
            "activity '2' of /activities: its data are not those that were published",
        ),
    ],
)
async def test_damaged_activity_is_found_by_a_rebuild(tenant: StoreTenant, damage: str, example: str) -> None:
    await tenant.record(*(activity(str(n), "ann", "2026-01-01T00:00:00Z") for n in range(1, 4)), activity("4", "ann"))
    void = {"source": "/activities", "id": "3", "type": "ActivityRecorded.v1", "reason": "a mistake"}
    await tenant.record_own("FactVoided", "activity", "3", void)
    assert (await verify_tenant(tenant)).violated == []
    await tenant.pool.execute(damage)
    found = {check.name: check.example for check in (await verify_tenant(tenant)).violated}
    assert example in found["the tables hold what the facts say"]


@pytest.mark.parametrize(
    ("damage", "example"),
    [
        (
            "update activities set from_revision = 1 where id = '4'",
            "activity 4 of /activities is there from revision 1 to ",
        ),
        (
            "update activities set to_revision = 9 where id = '3'",
            "activity 3 of /activities is there from revision 1 to 9",
        ),
        (
            "update activities set to_revision = 9 where id = '1'",
            "activity 1 of /activities is there from revision 1 to 9",
        ),
    ],
)
async def test_activity_is_there_from_its_fact_until_its_void(tenant: StoreTenant, damage: str, example: str) -> None:
    await tenant.record(*(activity(str(n), "ann") for n in range(1, 4)))
    await tenant.record(activity("4", "ann"))
    void = {"source": "/activities", "id": "3", "type": "ActivityRecorded.v1", "reason": "a mistake"}
    await tenant.record_own("FactVoided", "activity", "3", void)
    assert (await verify_tenant(tenant)).violated == []
    await tenant.pool.execute(damage)
    found = {check.name: check.example for check in (await verify_tenant(tenant, rebuild=False)).violated}
    assert example in found["activity is there since its fact"]


async def test_all_differences_are_counted_and_ten_are_shown(tenant: StoreTenant) -> None:
    await tenant.record(*(event("ItemAdded", f"lamp-{n}", 1, name="Lamp") for n in range(25)))
    await tenant.pool.execute("update entities set data = '{}'")
    (found,) = (await verify_tenant(tenant)).violated
    assert (found.count, len(found.example.splitlines())) == (25, 10)


async def test_lines_are_sorted_by_bytes_for_any_keys(tenant: StoreTenant) -> None:
    keys = ["a", "a|live|!", 'a|live|{"name"', "a!", "a|", "é", "z", "😀", "\uffee", "a|live|{|live|"]
    events = [event("ItemAdded", key, 1, name="N", category=keys[n - 1]) for n, key in enumerate(keys)]
    await tenant.record(*events)
    assert await tenant.lines() == expected_lines(tenant.catalog, events)
    await tenant.assert_holds(events)


async def test_each_tenant_is_verified_separately(tenant: StoreTenant) -> None:
    other = tenant.other_tenant()
    await record_facts(tenant)
    await other.record(*people(3))
    await tenant.pool.execute("delete from waits where tenant = $1", tenant.name)
    report = await verify(tenant.pool, CATALOG, rebuild=True)
    assert [(one.tenant, bool(one.violated)) for one in report.tenants] == [("main", True), (other.name, False)]
    assert not report.sound


def test_verify_of_an_empty_ledger_says_so(settings: Settings) -> None:
    output = io.StringIO()
    assert run(settings, True, Console(file=output, width=200)) == 0
    assert output.getvalue() == "The ledger is empty: no tenant has recorded a fact.\n"


async def test_verify_prints_violations_and_exits_with_1(tenant: StoreTenant, settings: Settings) -> None:
    await tenant.record(event("ItemAdded", "[red]lamp", 1, name="Lamp", category="[/]"))
    output = io.StringIO()
    assert await asyncio.to_thread(run, settings, True, Console(file=output, width=220)) == 0
    assert "main, revision 1" in output.getvalue()
    assert output.getvalue().count("equal") == 3 + len(CATALOG.relationships)
    await tenant.pool.execute("delete from waits")
    output = io.StringIO()
    assert await asyncio.to_thread(run, settings, False, Console(file=output, width=220)) == 1
    assert "category_item [/]: is missing parent of categories" in output.getvalue()


async def test_verify_refuses_a_database_that_is_not_migrated(tenant: StoreTenant, settings: Settings) -> None:
    await tenant.pool.execute("drop schema tether cascade")
    with pytest.raises(Refused, match="Run `tether migrate`"):
        await asyncio.to_thread(run, settings, False, Console(file=io.StringIO()))


async def test_children_of_deleted_parents_must_have_a_cascade(tenant: StoreTenant) -> None:
    await tenant.record(
        event("EventCreated", "cup", 1, name="Cup"), event("TeamCreated", "t", 1, name="T", event_id="cup")
    )
    await tenant.record(event("EventDeleted", "cup", 2))
    assert (await verify_tenant(tenant)).violated == []
    await tenant.pool.execute("delete from outbox where workflow = 'cascade'")
    (found,) = (await verify_tenant(tenant)).violated
    assert (found.name, found.count) == ("children of deleted parents have a cascade", 1)
    assert found.example == "t of event cup"
