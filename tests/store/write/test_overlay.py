"""Links of merged entities: where they lead, whose they are, and that undoing a merge takes all of it back."""

from itertools import permutations

import pytest

from tests.support.events import event
from tests.support.people import PEOPLE, kept_apart, merged, unmerged
from tests.support.tenants import StoreTenant


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
