"""The data of an erased entity is nowhere, and nothing else has changed."""

import asyncio
from random import Random
from string import ascii_letters

import pytest

from catalog.owner_request import OwnerRequest
from contracts.channels import CreateChannel
from errors import Unavailable, Unknown
from facts.ingest import Rejection
from store.db.pool import Pool
from store.erasure import entity, traces, vacuum
from store.operations import request_bodies
from tests.store.erasure.conftest import Eraser
from tests.support import canaries, forked, killed_eraser
from tests.support.events import event
from tests.support.tenants import StoreTenant, recorded_entry

CANARY = "canary-7f3a"
CREATED = event("PersonCreated", "ann", 1, name=f"Ann {CANARY}", email=CANARY, labels=[CANARY], company_id="acme")


async def record_history(tenant: StoreTenant) -> None:
    """A person with data in fields of several versions, in activity, extensions, and the quarantine."""
    await tenant.record(
        event("CompanyAdded", "acme", name="Acme"),
        event("CompanyAdded", "bolt", name="Bolt"),
        CREATED,
        event("PersonCreated", "anne", 1, name="Anne survives", email="anne@example.org"),
        event("TicketOpened", "t1", subject="Help", person_id="ann"),
    )
    await tenant.record(event("PersonChanged", "ann", 3, name=f"{CANARY} 3", company_id="bolt", colour=CANARY))
    await tenant.record({**event("PersonChanged", "ann", 2, phone=CANARY), "causationid": CANARY, "color": CANARY})
    await tenant.record(event("ActivityRecorded", "a1", person_id="ann", what=CANARY))
    await tenant.record(event("PersonMerged", "anne", 10, survivor="anne", losers=["ann"], reason=CANARY))
    rejected = b'{"type":"PersonChanged.v1","subject":"ann","source":"/people","id":"x","data":{"name":["%s"]}}'
    cut = b'{"type":"PersonChanged.v1","data":{"name":"%s"},"subject":"ann","more":' % CANARY.encode()
    await tenant.recorder.record(
        tenant.name,
        [],
        [
            Rejection("/people", "x", "PersonChanged.v1", f"{CANARY} is no name", rejected % CANARY.encode()),
            Rejection(None, None, None, "is no JSON", cut),
            Rejection("/people", "y", "PersonChanged.v1", "of another", rejected.replace(b'"ann"', b'"anne"')),
        ],
        actor="test",
    )


async def test_no_table_holds_the_data_of_an_erased_entity(tenant: StoreTenant, eraser: Eraser, pool: Pool) -> None:
    await record_history(tenant)
    await pool.execute("insert into request_bodies values ($1, 'k', $2)", tenant.name, f'{{"id":"ann","n":"{CANARY}"}}')
    await pool.execute("insert into request_bodies values ($1, 'l', $2)", tenant.name, '{"id":"anne","n":"kept"}')
    assert {at.partition(".")[0] for at in await canaries.find(pool, CANARY)} == {
        "entities",
        "facts",
        "merges",
        "quarantine",
        "request_bodies",
    }
    certificate = await eraser.erase("person", "ann")
    assert await canaries.find(pool, CANARY) == []
    assert certificate.rows == {
        "facts": 3,
        "entities": 3,
        "facts of activity": 1,
        "facts of merges": 1,
        "merges": 1,
        "quarantine": 2,
        "request_bodies": 1,
    }
    assert certificate.vacuumed_at
    assert await canaries.find(pool, "Anne survives") == ["entities.data", "facts.data"]
    assert await canaries.find(pool, "kept") == ["request_bodies.fields"]
    report = await tenant.audit()
    assert report.violated == []
    assert report.tables == report.ledger


async def test_states_and_links_are_the_same_at_every_revision(tenant: StoreTenant, eraser: Eraser) -> None:
    other = tenant.other_tenant()
    for one in (tenant, other):
        await record_history(one)
    erased = await eraser.erase("person", "ann")
    assert erased.revision is not None

    def shape(lines: list[bytes]) -> list[bytes]:
        return [line.partition(b"|{")[0] if line.startswith(b"entity|person|ann|") else line for line in lines]

    for revision in range(1, erased.revision):
        assert shape(await tenant.lines(revision)) == shape(await other.lines(revision))


async def test_a_repeat_of_an_erased_fact_is_a_duplicate(tenant: StoreTenant, eraser: Eraser, pool: Pool) -> None:
    await record_history(tenant)
    await eraser.erase("person", "ann")
    answer = await tenant.record(CREATED)
    assert (answer.accepted, answer.duplicates) == (0, 1)
    assert await canaries.find(pool, CANARY) == []


async def test_a_fact_that_contradicts_an_erased_one_is_not_kept(
    tenant: StoreTenant, eraser: Eraser, pool: Pool
) -> None:
    await record_history(tenant)
    await eraser.erase("person", "ann")
    answer = await tenant.record({**CREATED, "data": {"name": f"other {CANARY}"}})
    assert answer.conflicts == {0}
    assert await pool.fetchval("select count(*) from quarantine where reason like 'another body%'") == 1
    assert await canaries.find(pool, CANARY) == []


async def test_a_later_fact_about_an_erased_entity_is_recorded(tenant: StoreTenant, eraser: Eraser) -> None:
    await record_history(tenant)
    await eraser.erase("person", "ann")
    await tenant.record(event("PersonChanged", "ann", 9, name="New"))
    data = await tenant.pool.fetchval(
        "select data from entities where key = 'ann' and to_revision = 9223372036854775807"
    )
    assert data == {"name": "New", "company_id": "bolt"}
    assert (await tenant.audit()).violated == []


async def test_an_erasure_is_done_once(tenant: StoreTenant, eraser: Eraser) -> None:
    await record_history(tenant)
    first, again, other = [await eraser.request("person", "ann", key) for key in ("k", "k", "l")]
    assert first.id == again.id != other.id
    await eraser.erase("person", "ann")
    head = len(await tenant.pool.fetch("select from facts"))
    assert (await eraser.request("person", "ann", "k")).id == first.id
    with pytest.raises(Unknown, match="nothing is known of person 'noone'"):
        await eraser.request("person", "noone")
    assert len(await tenant.pool.fetch("select from facts")) == head


async def test_facts_recorded_meanwhile_come_before_or_after(tenant: StoreTenant, eraser: Eraser) -> None:
    await record_history(tenant)
    entries = [recorded_entry(tenant.catalog, event("PersonChanged", "ann", n, name=str(n))) for n in range(10, 30)]
    await asyncio.gather(
        eraser.erase("person", "ann"),
        *(tenant.recorder.record(tenant.name, [entry], actor="test") for entry in entries),
    )
    report = await tenant.audit()
    assert report.violated == []
    assert report.tables == report.ledger


async def test_no_file_of_a_table_holds_the_data_once_it_is_rewritten(
    tenant: StoreTenant, eraser: Eraser, pool: Pool
) -> None:
    await record_history(tenant)
    random = Random(1)
    long = CANARY + "".join(random.choice(ascii_letters) for _ in range(9_000))  # too long for a page
    await tenant.record(event("PersonChanged", "ann", 20, name=long))
    assert len(await canaries.find_in_files(pool, CANARY)) >= 4
    assert (await eraser.erase("person", "ann", rewrite=True)).vacuumed_at
    assert await canaries.find_in_files(pool, CANARY) == []


SAMPLES = """
select count(*) from pg_stats
where schemaname = 'tether' and concat(most_common_vals::text, histogram_bounds::text) like '%' || $1 || '%'
"""


async def test_the_planner_keeps_no_sample_of_the_data(tenant: StoreTenant, eraser: Eraser, pool: Pool) -> None:
    await record_history(tenant)
    await pool.execute("analyze")
    assert await pool.fetchval(SAMPLES, CANARY)
    await eraser.erase("person", "ann")
    assert not await pool.fetchval(SAMPLES, CANARY)


async def test_no_table_is_written_again_twice(tenant: StoreTenant, eraser: Eraser, pool: Pool) -> None:
    await record_history(tenant)
    row = await eraser.empty("person", "ann", rewrite=True)
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("lock table merges in access share mode")  # by a session that has no snapshot
        with pytest.raises(Unavailable):
            assert [table async for table in vacuum.vacuum(pool, row)]
    row = await eraser.certificate(row.id)
    assert (row.rewritten, row.vacuumed_at) == (["delivery_attempts", "entities", "facts"], None)
    assert [table async for table in vacuum.vacuum(pool, row)] == [*vacuum.TABLES[3:]]
    assert (await eraser.certificate(row.id)).vacuumed_at


async def test_words_of_owners_go_wherever_an_operation_names_the_entity(
    tenant: StoreTenant, eraser: Eraser, pool: Pool
) -> None:
    await record_history(tenant)
    await pool.execute(
        "insert into operations (tenant, id, kind, workflow, about, key, parent, state, created_at, actor, last_error)"
        " values ($1, 'm', 'merge', 'merge', 'person', 'm', 'ann', 'running', now(), 'test', $2)",
        tenant.name,
        CANARY,
    )
    await eraser.erase("person", "ann")
    assert await canaries.find(pool, CANARY) == []


async def test_the_body_of_a_request_for_a_counterpart_goes_with_its_entity(
    tenant: StoreTenant, eraser: Eraser, pool: Pool
) -> None:
    await tenant.record(event("GroupCreated", "g1", name=CANARY), event("GroupCreated", "g2", name=CANARY))
    for key in ("g1", "g2"):
        request = OwnerRequest(tenant.name, "channels", CreateChannel(name=CANARY), f"ask {key}", "", f"group/{key}")
        await request_bodies.first_of_each(pool, tenant.name, [request])
    assert (await eraser.erase("group", "g1")).rows["request_bodies"] == 1
    assert await pool.fetchval("select string_agg(cause, ' ') from request_bodies") == "group/g2"


async def test_vacuum_is_not_certified_while_an_earlier_snapshot_is_read(
    tenant: StoreTenant, eraser: Eraser, pool: Pool
) -> None:
    await record_history(tenant)
    row = await entity.erase(pool, tenant.catalog, tenant.name, (await eraser.request("person", "ann")).id)
    async with pool.acquire() as reader, reader.transaction(isolation="repeatable_read"):
        await reader.fetchval("select count(*) from facts")
        assert [rows async for rows in traces.erase(pool, tenant.catalog, row)]
        assert [table async for table in vacuum.vacuum(pool, row)]
        assert (await eraser.certificate(row.id)).vacuumed_at is None
    assert [table async for table in vacuum.vacuum(pool, row)]
    assert (await eraser.certificate(row.id)).vacuumed_at


async def test_an_erasure_that_is_killed_at_any_step_goes_on_and_counts_once(
    tenant: StoreTenant, eraser: Eraser, pool: Pool, database_url: str
) -> None:
    await record_history(tenant)
    id = (await eraser.request("person", "ann")).id
    for transactions, exit_code in ((1, 9), (3, 9), (9, 9), (99, 0)):
        killed = forked.start(killed_eraser.main, database_url, tenant.name, id, transactions)
        assert await forked.exit_code(killed) == exit_code
        assert (await tenant.audit()).tables == (await tenant.audit()).ledger
    assert await canaries.find(pool, CANARY) == []
    certificate = await eraser.certificate(id)
    assert certificate.rows == {
        "facts": 3,
        "entities": 3,
        "facts of activity": 1,
        "facts of merges": 1,
        "merges": 1,
        "quarantine": 2,
    }
    assert len(await pool.fetch("select from facts where type = 'EntityErased.v1'")) == 1
    assert (await tenant.audit()).violated == []
