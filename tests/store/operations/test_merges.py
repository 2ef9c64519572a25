"""Merges of members: what is refused, what is set aside, and the proof that everything else is conserved."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from errors import CardinalityBroken
from messages.operation_reasons import describe_operation
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.migrate import migrate
from store.operations import merge_plans, merge_undo, merges, operations
from store.operations.merge_checks import NewMerge
from store.operations.merge_plans import MergePlan
from store.write import merge_proof
from store.write.merge_proof import ProvenMerge
from tests.support.club import CLUB, fact, merged_members
from tests.support.events import Event
from tests.support.merge_requests import carry_out
from tests.support.sampling import examples
from tests.support.tenants import StoreTenant, in_a_database


@pytest.fixture
async def club(pool: Pool) -> StoreTenant:
    """A tenant with the declarations of clubs as well."""
    await migrate(pool, CLUB)
    return StoreTenant(pool, CLUB)


def new(survivor: str, *losers: str) -> NewMerge:
    return NewMerge("", "member", survivor, losers)


async def start(tenant: StoreTenant, survivor: str, *losers: str) -> str:
    """Starts a merge of members; returns the id of the operation."""
    at = tenant.pool, tenant.catalog, tenant.name
    return (await merges.start(*at, new(survivor, *losers), actor="test", idempotency_key=None)).id


async def plan(tenant: StoreTenant, survivor: str, *losers: str) -> MergePlan:
    return await merge_plans.plan(tenant.pool, tenant.catalog, tenant.name, new(survivor, *losers))


async def merge(tenant: StoreTenant, survivor: str, *losers: str) -> str:
    """Carries a merge of members out; returns the id of the operation."""
    id = await start(tenant, survivor, *losers)
    await carry_out(tenant.pool, tenant.catalog, id, tenant=tenant.name)
    return id


async def proof(tenant: StoreTenant, id: str) -> ProvenMerge:
    async with snapshot(tenant.pool, tenant.name) as at:
        row = await merges.find_row(at.conn, tenant.name, id)
        assert row.revision is not None
        return await merge_proof.prove(at, tenant.catalog, row.kind, [row.survivor, *row.losers], row.revision)


async def aliases(tenant: StoreTenant) -> dict[str, str]:
    rows = await tenant.pool.fetch(
        "select key, survivor from aliases where tenant = $1 and to_revision = $2", tenant.name, 2**63 - 1
    )
    return {row["key"]: row["survivor"] for row in rows}


async def parent(tenant: StoreTenant, relationship: str, child: str) -> str | None:
    found: str | None = await tenant.pool.fetchval(
        "select parent from links where tenant = $1 and relationship = $2 and child = $3 and to_revision = $4",
        tenant.name, relationship, child, 2**63 - 1,
    )  # fmt: skip
    return found


async def test_smallest_key_remains_whichever_is_named(club: StoreTenant) -> None:
    await club.record(fact("MemberJoined", "a"), fact("MemberJoined", "b"))
    assert (await plan(club, "b", "a")).survivor == "a"
    await merge(club, "b", "a")
    assert await aliases(club) == {"b": "a"}


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            [fact("MemberJoined", "a", club="x"), fact("MemberJoined", "b", club="y")],
            "member 'a' is linked to club 'x' and 'b' to 'y' by club_member, which allows one",
        ),
        (
            [
                *(fact("MemberJoined", key) for key in ("a", "b")),
                fact("BadgeMade", "1", member="a"),
                fact("BadgeMade", "2", member="b"),
            ],
            "member 'a' is linked to badge '1' and 'b' to '2' by member_badge, which allows one",
        ),
    ],
    ids=["two parents", "two children"],
)
async def test_merge_that_links_one_entity_twice_is_refused(
    club: StoreTenant, facts: Sequence[Event], sentence: str
) -> None:
    await club.record(*facts)
    with pytest.raises(CardinalityBroken, match="change one of the two links at its owner") as refused:
        await start(club, "a", "b")
    assert str(refused.value).startswith(sentence)
    (conflict,) = (await plan(club, "a", "b")).conflicts
    assert conflict.refused
    assert await club.pool.fetchval("select count(*) from operations") == 0


async def test_link_that_appears_after_the_request_refuses_the_merge(club: StoreTenant) -> None:
    await club.record(fact("MemberJoined", "a", club="x"), fact("MemberJoined", "b"))
    id = await start(club, "a", "b")
    await club.record(fact("MemberChanged", "b", 2, club="y"))
    await carry_out(club.pool, CLUB, id, tenant=club.name)
    row = await operations.find(club.pool, club.name, id)
    assert (row.state, row.ended_because) == ("refused", "cardinality")
    assert "'x'" in describe_operation(row)
    assert "'y'" in describe_operation(row)
    assert await aliases(club) == {}


async def test_records_with_one_parent_are_no_conflict(club: StoreTenant) -> None:
    await club.record(fact("MemberJoined", "a", club="x"), fact("MemberJoined", "b", club="x"))
    assert (await plan(club, "a", "b")).conflicts == []
    await merge(club, "a", "b")


async def test_parents_that_are_merged_themselves_are_one_parent(club: StoreTenant) -> None:
    await club.record(fact("MemberJoined", "a", mentor="m"), fact("MemberJoined", "b", mentor="n"))
    await club.record(merged_members("m", "n"))
    assert (await plan(club, "a", "b")).conflicts == []


async def test_link_of_the_merged_entity_to_itself_is_set_aside(club: StoreTenant) -> None:
    await club.record(fact("MemberJoined", "a"), fact("MemberJoined", "b", mentor="a"))
    (conflict,) = (await plan(club, "a", "b")).conflicts
    assert (conflict.because, conflict.kept, conflict.refused) == ("self", None, False)
    found = await proof(club, await merge(club, "a", "b"))
    assert [(change.link.child, change.rule) for change in found.own_links.set_aside] == [("b", "own_parent")]
    assert found.lost == ""


@pytest.mark.parametrize(
    "damage",
    [
        "delete from links where child = 'l' and to_revision = 9223372036854775807",
        "update links set stated_parent = null where child = 'l' and to_revision = 9223372036854775807",
        "delete from links where relationship = 'club_member' and to_revision = 9223372036854775807",
        "update entities set from_revision = 2 where key = 'l'",
        "update links set parent = 'y' where relationship = 'club_member' and to_revision = 9223372036854775807",
        "update links set parent = 'n', stated_child = 'b' where parent = 'm' and to_revision = 9223372036854775807",
    ],
    ids=["a link", "key of a link", "an own link", "data of a link", "parent of an own link", "choice of two links"],
)
async def test_merge_that_loses_anything_is_undone(club: StoreTenant, damage: str) -> None:
    joined = fact("MemberJoined", "a", mentor="m"), fact("MemberJoined", "b", club="x", mentor="n")
    await club.record(*joined, fact("LockerRented", "l", member="b"))
    id = await start(club, "a", "b")
    run = await merges.advance(club.pool, CLUB, club.name, "member", id)
    assert run.to_prove
    assert await aliases(club) == {"b": "a"}
    await club.pool.execute(damage)
    await carry_out(club.pool, CLUB, id, tenant=club.name)
    row = await operations.find(club.pool, club.name, id)
    assert (row.state, row.ended_because) == ("refused", "not_conserved")
    assert "did not conserve everything, and was undone" in describe_operation(row)
    assert await aliases(club) == {}


KEYS = st.sampled_from("abcd")
MEMBERS = st.fixed_dictionaries(
    {}, optional={"club": st.sampled_from("xy"), "mentor": st.sampled_from("abcdm")}
)  # fmt: skip
HISTORIES = st.fixed_dictionaries(
    {
        "members": st.dictionaries(KEYS, MEMBERS, min_size=1),
        "lockers": st.dictionaries(st.sampled_from("12"), KEYS),
        "badges": st.dictionaries(st.sampled_from("34"), KEYS),
        "merged": st.lists(st.lists(KEYS, min_size=2, max_size=2, unique=True), max_size=2),
        "left": st.sets(KEYS, max_size=1),
        "order": st.randoms(use_true_random=False),
    }
)


def facts_of(history: dict[str, Any]) -> list[Event]:
    """The facts of a drawn history, in some order."""
    facts = [fact("MemberJoined", key, **fields) for key, fields in history["members"].items()]
    facts += [fact("LockerRented", key, member=member) for key, member in history["lockers"].items()]
    facts += [fact("BadgeMade", key, member=member) for key, member in history["badges"].items()]
    facts += [merged_members(*pair, sequence=10 + n) for n, pair in enumerate(history["merged"])]
    facts += [fact("MemberLeft", key, 5) for key in history["left"] & history["members"].keys()]
    history["order"].shuffle(facts)
    return facts


@settings(in_a_database, max_examples=examples(13), phases=[Phase.generate])
@given(history=HISTORIES, keys=st.lists(KEYS, min_size=2, max_size=3, unique=True))
async def test_plan_says_what_the_merge_sets_aside_and_all_else_is_conserved(
    club: StoreTenant, history: dict[str, Any], keys: list[str]
) -> None:
    tenant = club.other_tenant()
    for one in facts_of(history):
        await tenant.record(one)
    planned = await plan(tenant, keys[0], *keys[1:])
    try:
        id = await merge(tenant, keys[0], *keys[1:])
    except CardinalityBroken:
        assert planned.refused
        return
    assert planned.refused == []
    found = await proof(tenant, id)
    assert found.lost == ""
    links = [change.link for change in found.own_links.set_aside if change.rule != "same_parent"]
    set_aside = {(link.relationship, link.child, link.linked) for link in links}
    assert set_aside == {
        (conflict.relationship.name, link.key, link.other)
        for conflict in planned.conflicts
        if conflict.because != "one_child"
        for link in conflict.set_aside
        if link.linked
    }
    for key, survivor in (await aliases(tenant)).items():
        if key in keys:
            assert survivor == planned.survivor
    for conflict in planned.conflicts:
        if conflict.because == "one_parent" and conflict.kept is not None:
            assert await parent(tenant, conflict.relationship.name, planned.survivor) is not None


async def links(tenant: StoreTenant) -> set[tuple[str, ...]]:
    rows = await tenant.pool.fetch(
        "select relationship, child, parent from links where tenant = $1 and to_revision = $2", tenant.name, 2**63 - 1
    )
    return {tuple(row) for row in rows}


@settings(in_a_database, max_examples=examples(7), phases=[Phase.generate])
@given(history=HISTORIES, keys=st.lists(KEYS, min_size=2, max_size=4, unique=True), data=st.data())
async def test_merge_that_is_undone_piece_by_piece_leaves_what_was_before(
    club: StoreTenant, history: dict[str, Any], keys: list[str], data: st.DataObject
) -> None:
    tenant = club.other_tenant()
    await tenant.record(*facts_of({**history, "merged": []}))
    before = await links(tenant)
    with suppress(CardinalityBroken):
        id = await merge(tenant, keys[0], *keys[1:])
        for loser in data.draw(st.permutations(keys[1:])):
            at = tenant.pool, tenant.catalog, tenant.name, id
            await merge_undo.undo(*at, only=[loser], reason="", actor="test", idempotency_key=None)
    assert await aliases(tenant) == {}
    assert await links(tenant) == before
