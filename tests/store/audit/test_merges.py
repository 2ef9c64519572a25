"""`tether verify` compares the rows of merges with their facts, and counts again what proofs say."""

import pytest

from store.db.pool import Pool
from store.migrate import migrate
from store.operations import merges
from store.operations.merge_checks import NewMerge
from tests.support.club import CLUB, fact, merged_members
from tests.support.merge_requests import carry_out
from tests.support.tenants import StoreTenant


@pytest.fixture
async def club(pool: Pool) -> StoreTenant:
    """A tenant with the declarations of clubs as well."""
    await migrate(pool, CLUB)
    return StoreTenant(pool, CLUB)


async def merge(tenant: StoreTenant, survivor: str, *losers: str) -> str:
    """Carries a merge of members out; returns the id of the operation."""
    new = NewMerge("", "member", survivor, losers)
    at = tenant.pool, tenant.catalog, tenant.name
    id = (await merges.start(*at, new, actor="test", idempotency_key=None)).id
    await carry_out(tenant.pool, tenant.catalog, id, tenant=tenant.name)
    return id


@pytest.mark.parametrize(
    ("damage", "example"),
    [
        ("delete from merges where source = '/clubs'", "the fact m/b/('a',)/10 of /clubs, whose merge has no row"),
        ("update merges set fact = 'none' where id = $1", "merge {}, whose fact is not in the ledger"),
        ("update merges set fact = null where id = $1", "merge {} of revision 2, of which no fact is recorded"),
        ("update merges set revision = 1 where id = $1", "merge {} of revision 1, whose fact is of 2"),
    ],
)
async def test_verify_finds_merges_without_row_or_fact(club: StoreTenant, damage: str, example: str) -> None:
    await club.record(merged_members("b", "a"))
    id = await merge(club, "c", "d")
    assert "each merge has a row" not in {check.name for check in (await club.audit()).violated}
    await club.pool.execute(damage, *([id] if "$1" in damage else []))
    (check,) = (check for check in (await club.audit()).violated if check.name == "each merge has a row")
    assert check.example == example.format(id)


@pytest.mark.parametrize(
    ("damage", "example"),
    [
        (
            "update merges set proof = jsonb_set(proof, '{{keys,1,after,links,count}}', '9') where id = $1",
            "has {{'hash': '{hash}', 'count': 9}} as links of 'b' after it",
        ),
        ("update merges set proof = jsonb_set(proof, '{{own_links,kept}}', '9') where id = $1", "the own links"),
        ("update merges set proof = jsonb_set(proof, '{{lost}}', '\"x\"') where id = $1", "the lost x, counted "),
        ("update merges set proof = jsonb_set(proof, '{{revisions,0}}', '7') where id = $1", "the revisions [7, 3]"),
        ("update merges set proof = proof #- '{{keys,0}}' where id = $1", "its proof has None as activity of 'a'"),
        ("delete from links where child = 'l' and to_revision < 9223372036854775807", "as link data of 'b' before it"),
        ("update entities set data = '{{}}' where key = 'l'", "as link data of 'b' after it"),
    ],
)
async def test_verify_finds_proofs_that_are_not_what_is_counted(club: StoreTenant, damage: str, example: str) -> None:
    await club.record(fact("MemberJoined", "a"), fact("MemberJoined", "b", club="x"))
    await club.record(fact("LockerRented", "l", member="b"))
    id = await merge(club, "a", "b")
    assert (await club.audit()).violated == []
    stored = await club.pool.fetchval("select proof from merges where id = $1", id)
    await club.pool.execute(damage.format(), *([id] if "$1" in damage else []))
    (check,) = (check for check in (await club.audit()).violated if check.name == "the tables hold what the facts say")
    assert f"merge {id}: its proof has" in check.example
    assert example.format(hash=stored["keys"][1]["after"]["links"]["hash"]) in check.example
