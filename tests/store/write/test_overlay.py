"""Links of merged entities: where they lead, whose they are, and that undoing a merge takes all of it back."""

from itertools import permutations

import pytest

from store.db.pool import transaction
from store.db.sql import sql
from store.write.settle import settle
from tests.support.events import Event, event
from tests.support.people import PEOPLE, kept_apart, merged, unmerged
from tests.support.tenants import StoreTenant, recorded_entry


async def links(tenant: StoreTenant) -> set[tuple[str, ...]]:
    """Returns (relationship, child, parent, stated child, stated parent) of all links."""
    rows = await tenant.pool.fetch(
        "select relationship, child, parent, coalesce(stated_child, ''), coalesce(stated_parent, '') from links"
        " where tenant = $1 and to_revision = 9223372036854775807",
        tenant.name,
    )
    return {tuple(row) for row in rows}


async def aliases(tenant: StoreTenant) -> dict[str, str]:
    """Returns loser → survivor."""
    rows = await tenant.pool.fetch(
        "select key, survivor from aliases where tenant = $1 and to_revision = 9223372036854775807", tenant.name
    )
    return {row["key"]: row["survivor"] for row in rows}


async def test_links_follow_the_survivor(tenant: StoreTenant) -> None:
    await tenant.record(*PEOPLE)
    await tenant.record(merged("anne", "ann"))
    assert await aliases(tenant) == {"ann": "anne"}
    assert await links(tenant) == {
        ("person_ticket", "t1", "anne", "", "ann"),
        ("person_ticket", "t2", "anne", "", ""),
        ("company_person", "anne", "acme", "ann", ""),
    }


async def test_undoing_a_merge_takes_all_of_it_back(tenant: StoreTenant) -> None:
    await tenant.record(*PEOPLE)
    before = await links(tenant)
    await tenant.record(merged("anne", "ann"))
    await tenant.record(unmerged("anne", "ann"))
    assert await aliases(tenant) == {}
    assert await links(tenant) == before


async def test_order_and_batches_do_not_matter(tenant: StoreTenant) -> None:
    facts = [*PEOPLE[2:], merged("anne", "ann"), merged("bob", "anne"), event("PersonCreated", "bob", 3, name="Bob")]
    found = set()
    for n, order in enumerate(permutations(facts[:2] + facts[4:])):
        other = tenant.other_tenant()
        for fact in order if n % 2 else ():
            await other.record(fact)
        await other.record(*order, *facts)
        found.add((frozenset(await links(other)), *sorted((await aliases(other)).items())))
    assert len(found) == 1


@pytest.mark.parametrize("chain", [("a", "b", "c"), ("c", "b", "a")])
async def test_last_of_a_chain_survives(tenant: StoreTenant, chain: tuple[str, str, str]) -> None:
    first, second, third = chain
    await tenant.record(merged(second, first))
    await tenant.record(merged(third, second))
    assert await aliases(tenant) == {first: third, second: third}


async def test_ticket_of_a_retired_profile_stays_with_the_survivor(tenant: StoreTenant) -> None:
    await tenant.record(*PEOPLE)
    await tenant.record(merged("anne", "ann"), event("PersonDeleted", "ann", 11))
    await tenant.record(event("TicketOpened", "t3", subject="Late", person_id="ann"))
    assert {link[:3] for link in await links(tenant)} == {
        ("person_ticket", "t1", "anne"),
        ("person_ticket", "t2", "anne"),
        ("person_ticket", "t3", "anne"),
        ("company_person", "anne", "acme"),
    }


async def test_pair_that_would_join_a_forbidden_pair_is_set_aside(tenant: StoreTenant) -> None:
    apart = kept_apart("a", "c")
    for order in permutations([apart, merged("b", "a", sequence=6), merged("c", "b", sequence=7)]):
        other = tenant.other_tenant()
        for fact in order:
            await other.record(fact)
        assert await aliases(other) == {"a": "b"}
        rows = await other.pool.fetch("select set_aside from merge_pairs where tenant = $1 and loser = 'b'", other.name)
        assert [row["set_aside"] for row in rows] == [["a", "b", "c"]]


async def test_voided_merge_is_undone(tenant: StoreTenant) -> None:
    await tenant.record(*PEOPLE)
    before = await links(tenant)
    merge = merged("anne", "ann")
    await tenant.record(merge)
    void = {"source": merge["source"], "id": merge["id"], "type": merge["type"], "reason": "a mistake"}
    await tenant.record_own("FactVoided", "person", "anne", void)
    assert await links(tenant) == before


async def _statements(tenant: StoreTenant, *facts: Event) -> list[str]:
    """Records facts in one transaction; returns the texts of its statements."""
    entries = [recorded_entry(tenant.catalog, fact) for fact in facts]
    found: list[str] = []
    async with transaction(tenant.pool) as conn:
        with conn.query_logger(lambda record: found.append(record.query)):
            await settle(conn, tenant.catalog, tenant.name, entries, "test")
    return found


async def test_many_merges_of_unlinked_keys_take_as_many_statements_as_one(tenant: StoreTenant) -> None:
    people = [event("PersonCreated", f"p{n:03}", n + 1, name=f"Person {n}") for n in range(200)]
    await tenant.record(*people, merged("p198", "p199"))  # a first merge of a tenant is remembered
    one = await _statements(tenant, merged("p000", "p001"))
    many = await _statements(tenant, *(merged(f"p{n:03}", f"p{n + 1:03}") for n in range(2, 198, 2)))
    assert many == one
    assert sql("entities_by_key") not in many
    assert len(await aliases(tenant)) == 100


async def test_undone_merge_leaves_links_of_other_losers_where_they_are(tenant: StoreTenant) -> None:
    await tenant.record(*PEOPLE, event("TicketOpened", "t3", subject="Again", person_id="annie"))
    await tenant.record(merged("anne", "ann", "annie"))
    before = {link for link in await links(tenant) if link[1] != "t1"}
    await tenant.record(unmerged("anne", "ann"))
    tickets = {link for link in before if link[0] == "person_ticket"}
    assert await links(tenant) == {
        *tickets,
        ("person_ticket", "t1", "ann", "", ""),
        ("company_person", "ann", "acme", "", ""),
    }


async def test_wait_for_a_loser_ends_that_arrives_with_its_merge(tenant: StoreTenant) -> None:
    await tenant.record(event("TicketOpened", "t1", subject="Help", person_id="ann"))
    assert [*await tenant.waits()] == [("person_ticket", "ann", "parent", "people")]
    await tenant.record(event("PersonCreated", "ann", name="Ann"), PEOPLE[3], merged("anne", "ann"))
    assert not await tenant.waits()
    assert (await tenant.audit()).violated == []
