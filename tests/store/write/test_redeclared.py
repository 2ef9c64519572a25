"""Declarations of sequence restarts that change when facts are in the ledger already: these are folded again."""

from dataclasses import replace
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.catalog import Catalog
from catalog.vocabulary import OnSequenceRestart
from errors import Unavailable
from store.db import readiness
from store.db.pool import Pool
from store.migrate import migrate, redeclared_sentence
from store.write import redeclared
from store.write.redeclared import Refolded
from tests.support.events import Event, event
from tests.support.folded_histories import node_history
from tests.support.strategies import deliver
from tests.support.tenants import CATALOG, YARD, StoreTenant, cut_into_batches, in_a_database


def declaring(catalog: Catalog, meaning: OnSequenceRestart) -> Catalog:
    """Returns a catalog in which all owners declare the same meaning of a restart."""
    owners = {n: replace(owner, on_sequence_restart=meaning) for n, owner in catalog.contracts.owners.items()}
    return Catalog(replace(catalog.contracts, owners=owners), catalog.relationships)


REPORTING, RESTARTING = (
    declaring(CATALOG, OnSequenceRestart.REPORT),
    declaring(CATALOG, OnSequenceRestart.NEW_INCARNATION),
)
BOTH_WAYS = pytest.mark.parametrize(("before", "after"), [(REPORTING, RESTARTING), (RESTARTING, REPORTING)])
_TENANTS = count(1)


def group(fact: str, sequence: int, minute: int, key: str = "g", **data: str) -> Event:
    return event(f"Group{fact}", key, sequence, id=f"{key}/{minute}", time=f"2026-01-01T10:{minute:02}:00Z", **data)


LIVES = [
    group("Created", 1, 0, name="first"),
    group("Deleted", 5, 1),
    group("Created", 1, 2, name="second"),
    group("Renamed", 2, 3, name="renamed"),
    event("ChannelCreated", "c", 1, time="2026-01-01T10:04:00Z", requested_by="g", name="c"),
]
"""The group is live if its second creation begins its sequence again, else it is deleted."""


async def recorded(pool: Pool, before: Catalog, batches: list[list[Event]]) -> StoreTenant:
    """Returns a tenant that has recorded batches while ``before`` was declared."""
    await migrate(pool, before)
    tenant = StoreTenant(pool, before, f"redeclared{next(_TENANTS)}")
    await tenant.record_batches(batches)
    return tenant


DELETION = """
insert into operations (tenant, id, kind, workflow, about, key, state, actor, created_at, incarnation, requested_after)
select tenant, 'o', 'delete', 'cascade', kind, key, 'requested', 'test', now(), incarnation, latest
from entities where tenant = $1 and kind = 'group' and to_revision = 9223372036854775807
"""
REMEMBERS_LATEST = """
select o.requested_after = e.latest from operations o
join entities e on e.tenant = o.tenant and e.kind = o.about and e.key = o.key and e.to_revision = 9223372036854775807
where o.tenant = $1
"""


@BOTH_WAYS
async def test_state_follows_the_declaration_that_was_migrated_to(pool: Pool, before: Catalog, after: Catalog) -> None:
    tenant = await recorded(pool, before, [[fact] for fact in LIVES])
    await tenant.assert_holds(LIVES)
    done = await migrate(pool, after)
    now = replace(tenant, catalog=after)
    assert (b'entity|group|g|live|{"name":"renamed"}' in await now.lines()) is (after is RESTARTING)
    await now.assert_holds(LIVES)
    assert done.refolded == [Refolded(tenant.name, 1, [("group", "g")])]
    (sentence,) = map(redeclared_sentence, done.refolded)
    assert "1 entities were folded again, of which 1 have changed: group g" in sentence


@BOTH_WAYS
async def test_facts_after_the_migration_fold_as_if_declared_first(pool: Pool, before: Catalog, after: Catalog) -> None:
    tenant = await recorded(pool, before, [[fact] for fact in LIVES[:2]] + [LIVES[3:]])
    await migrate(pool, after)
    now = replace(tenant, catalog=after)
    await now.record(LIVES[2])
    await now.assert_holds(LIVES)


async def test_declaration_is_folded_once_and_opens_one_revision(pool: Pool) -> None:
    other = [group("Created", 1, 0, key="h", name="h"), group("Deleted", 2, 1, key="h")]
    tenant = await recorded(pool, REPORTING, [LIVES, other])
    revision = "select revision from tenant_revisions where tenant = $1"
    before = await pool.fetchval(revision, tenant.name)
    assert len((await migrate(pool, RESTARTING)).refolded) == 1
    assert (await migrate(pool, RESTARTING)).refolded == []
    assert await pool.fetchval(revision, tenant.name) == before + 1


async def test_restart_without_visible_difference_opens_no_revision(pool: Pool) -> None:
    facts = [group("Created", 1, 0, name="a"), group("Deleted", 5, 1), group("Created", 1, 2, name="b")]
    facts += [group("Deleted", 6, 3), group("Created", 7, 4, name="c")]
    tenant = await recorded(pool, REPORTING, [[fact] for fact in facts])
    names, rows = (
        await tenant.incarnations(),
        await pool.fetch("select * from revisions where tenant = $1", tenant.name),
    )
    (done,) = (await migrate(pool, RESTARTING)).refolded
    assert (done.entities, done.changed) == (1, [])
    now = replace(tenant, catalog=RESTARTING)
    assert await now.incarnations() == names
    assert await pool.fetch("select * from revisions where tenant = $1", tenant.name) == rows
    await now.assert_holds(facts)


async def test_interrupted_fold_is_completed_by_the_next(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = [{**fact, "subject": key, "id": f"{key}{n}"} for key in "abc" for n, fact in enumerate(LIVES[:4])]
    tenant = await recorded(pool, REPORTING, [facts])
    monkeypatch.setattr(redeclared, "_PAGE", 1)
    fold_page, pages = redeclared._fold_page, count(1)

    async def interrupted(*args: object) -> None:
        await fold_page(*args)  # type: ignore[arg-type]
        if next(pages) == 2:
            raise RuntimeError("interrupted")

    monkeypatch.setattr(redeclared, "_fold_page", interrupted)
    with pytest.raises(RuntimeError, match="interrupted"):
        await migrate(pool, RESTARTING)
    assert "for: " in await readiness.check(pool, RESTARTING)
    (done,) = (await migrate(pool, RESTARTING)).refolded
    assert done.changed == [("group", "b"), ("group", "c")]
    assert await readiness.check(pool, RESTARTING) == "ok"
    await replace(tenant, catalog=RESTARTING).assert_holds(facts)


async def test_facts_of_the_former_declaration_during_the_fold_are_folded_too(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = await recorded(pool, REPORTING, [[fact] for fact in LIVES[:2]])
    fold_kind, late = redeclared._fold_kind, [LIVES[2]]

    async def fold_and_write(*args: object) -> None:
        await fold_kind(*args)  # type: ignore[arg-type]
        if late and args[2] == "group":
            await former.record(late.pop())

    monkeypatch.setattr(redeclared, "_fold_kind", fold_and_write)
    await migrate(pool, RESTARTING)
    now = replace(former, catalog=RESTARTING)
    assert b'entity|group|g|live|{"name":"second"}' in await now.lines()
    await now.record(*LIVES[3:])
    await now.assert_holds(LIVES)


@BOTH_WAYS
async def test_process_with_another_declaration_refuses_to_write(pool: Pool, before: Catalog, after: Catalog) -> None:
    former = await recorded(pool, before, [LIVES[:1]])
    now = replace(former, catalog=after)
    with pytest.raises(Unavailable, match=r"restart of .*group, .* is declared otherwise .* `tether migrate`"):
        await now.record(LIVES[1])
    await former.record(LIVES[1])
    await migrate(pool, after)
    with pytest.raises(Unavailable, match="end this process"):
        await former.record(LIVES[2])
    await now.record(LIVES[2])
    await now.assert_holds(LIVES[:3])


async def test_operation_keeps_the_fact_that_it_remembers(pool: Pool) -> None:
    tenant = await recorded(pool, REPORTING, [[fact] for fact in [*LIVES, group("Created", 7, 6, name="third")]])
    await pool.execute(DELETION, tenant.name)
    await migrate(pool, RESTARTING)
    assert await pool.fetchval(REMEMBERS_LATEST, tenant.name) is True


@BOTH_WAYS
async def test_channel_of_a_former_life_follows_the_declaration(pool: Pool, before: Catalog, after: Catalog) -> None:
    third = group("Created", 7, 4, name="third")
    channel = event("ChannelCreated", "c", 1, requested_by="g", created=third, name="c")
    facts = [*LIVES[:3], group("Deleted", 6, 3), third, channel]
    tenant = await recorded(pool, before, [[fact] for fact in facts])
    await migrate(pool, after)
    await replace(tenant, catalog=after).assert_holds(facts)


def channel(key: str, sequence: int, minute: int, created: int | None) -> Event:
    """Returns the creation of a channel for the group ``g``, which was created then with this sequence."""
    of = None if created is None else {"sequence": str(created)}
    time = f"2026-01-01T10:{minute:02}:00Z"
    name = f"{key}/{sequence}/{minute}"
    return event("ChannelCreated", key, sequence, id=name, time=time, requested_by="g", created=of, name=name)


sequences, minutes = st.integers(1, 6), st.integers(0, 9)
of_group = st.one_of(
    st.builds(lambda n, minute: group("Created", n, minute, name=str(minute)), sequences, minutes),
    st.builds(lambda n, minute: group("Renamed", n, minute, name=str(minute)), sequences, minutes),
    st.builds(lambda n, minute: group("Deleted", n, minute), sequences, minutes),
)
of_channel = st.builds(channel, st.sampled_from("cd"), sequences, minutes, st.none() | sequences)
ended_channel = st.builds(
    lambda key, n, minute: event("ChannelDeleted", key, n, id=f"{key}-{minute}", time=f"2026-01-01T10:{minute:02}:00Z"),
    st.sampled_from("cd"),
    sequences,
    minutes,
)


@in_a_database
@given(
    st.lists(of_group | of_group | of_channel | ended_channel, max_size=14, unique_by=lambda f: (f["source"], f["id"])),
    st.integers(0, 2**32),
    st.booleans(),
)
async def test_redeclared_groups_end_as_the_model_says(
    pool: Pool, events: list[Event], seed: int, taken_back: bool
) -> None:
    before, after = (RESTARTING, REPORTING) if taken_back else (REPORTING, RESTARTING)
    await _assert_redeclared(pool, before, after, events, Random(seed))


@in_a_database
@given(st.integers(0, 2**32), st.integers(1, 60), st.booleans())
async def test_redeclared_nodes_end_as_the_model_says(pool: Pool, seed: int, size: int, taken_back: bool) -> None:
    before, after = (OnSequenceRestart.REPORT, OnSequenceRestart.NEW_INCARNATION)[:: -1 if taken_back else 1]
    declared = declaring(YARD, before), declaring(YARD, after)
    await _assert_redeclared(pool, *declared, deliver(seed, node_history(seed, size), repeats=0), Random(seed))


async def _assert_redeclared(pool: Pool, before: Catalog, after: Catalog, events: list[Event], random: Random) -> None:
    """Asserts that events end as the model says under the declaration that comes after some of them."""
    recorded_before = random.randint(0, len(events))
    tenant = await recorded(pool, before, cut_into_batches(random, events[:recorded_before]))
    await migrate(pool, after)
    now = replace(tenant, catalog=after)
    await now.record_batches(cut_into_batches(random, events[recorded_before:]))
    await now.assert_holds(events)
    # So that no other example migrates this tenant again.
    await pool.execute("delete from tenant_revisions where tenant = $1", tenant.name)
