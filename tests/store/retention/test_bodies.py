"""Which bodies of facts are emptied, and what the ledger still knows of them."""

import pytest

from errors import Conflict
from store.operations import voids
from tests.store.retention.conftest import Trimmer
from tests.support.events import Event, event


async def bodies(trimmer: Trimmer) -> dict[str, bool]:
    """Fact → whether it has a body."""
    rows = await trimmer.pool.fetch("select id, emptied is null as kept, data::text = '{}' as bare from facts")
    assert all(row["kept"] != row["bare"] for row in rows)
    return {row["id"]: row["kept"] for row in rows}


def team(fact: str, sequence: int, **data: str | None) -> Event:
    return event(f"Team{fact}", "t", sequence, id=str(sequence), time=f"2020-01-01T00:00:{sequence:02}Z", **data)


async def test_a_body_goes_when_later_sealed_facts_have_all_its_fields(trimmer: Trimmer) -> None:
    await trimmer.tenant.record(team("Created", 1, name="one", event_id="e"))
    await trimmer.tenant.record(team("Moved", 2, event_id="f"))
    await trimmer.tenant.record(team("Moved", 3, event_id="g"))
    await trimmer.age_and_trim()
    assert await bodies(trimmer) == {"1": True, "2": False, "3": True}
    assert (await trimmer.tenant.audit()).violated == []


async def test_a_body_stays_while_the_fact_that_outlives_it_is_not_sealed(trimmer: Trimmer) -> None:
    await trimmer.tenant.record(team("Created", 1, name="one", event_id="e"))
    await trimmer.tenant.record(team("Moved", 2, event_id="f"))
    await trimmer.pass_time()
    await trimmer.tenant.record(team("Moved", 3, event_id="g"))
    await trimmer.trim()
    assert await bodies(trimmer) == {"1": True, "2": True, "3": True}
    await voids.void(trimmer.pool, trimmer.tenant.catalog, "main", "team", "t", "/teams", "3", "by mistake", "me")
    data = await trimmer.pool.fetchval("select data from entities where kind = 'team' and to_revision > 99")
    assert data == {"name": "one", "event_id": "f"}


async def test_a_sealed_fact_cannot_be_voided(trimmer: Trimmer) -> None:
    await trimmer.tenant.record(team("Created", 1, name="one", event_id="e"))
    await trimmer.age_and_trim()
    with pytest.raises(Conflict, match="is sealed"):
        await voids.void(trimmer.pool, trimmer.tenant.catalog, "main", "team", "t", "/teams", "1", "by mistake", "me")
    void = {"source": "/teams", "id": "1", "type": "TeamCreated.v1", "reason": "by mistake"}
    answer = await trimmer.tenant.record_own("FactVoided", "team", "t", void)
    assert "is sealed" in answer.refused[0]


async def test_a_repeat_of_an_emptied_fact_is_a_duplicate_and_another_body_refused(trimmer: Trimmer) -> None:
    moved = team("Moved", 2, event_id="f")
    await trimmer.tenant.record(team("Created", 1, name="one", event_id="e"), moved, team("Moved", 3, event_id="g"))
    await trimmer.pool.execute("update facts set digest = 'an earlier version' where id = '2'")
    await trimmer.age_and_trim()
    assert not (await bodies(trimmer))["2"]
    answer = await trimmer.tenant.record(moved)
    assert (answer.accepted, answer.duplicates) == (0, 1)
    answer = await trimmer.tenant.record(team("Moved", 2, event_id="h"))
    assert (answer.accepted, answer.conflicts) == (0, {0})
    assert answer.refused[0].endswith("differs in data")


async def test_all_but_the_last_life_of_a_deleted_entity_is_emptied(trimmer: Trimmer) -> None:
    await trimmer.tenant.record(team("Created", 1, name="one", event_id="e"))
    await trimmer.tenant.record(team("Deleted", 2))
    await trimmer.age_and_trim()
    assert (await trimmer.pool.fetchval("select emptied from facts where id = '1'")) == "trimmed"
    assert (await trimmer.tenant.audit()).violated == []


async def test_bodies_without_an_order_that_holds_for_ever_stay(trimmer: Trimmer) -> None:
    await trimmer.tenant.record(team("Created", 1, name="one", event_id="e"))
    await trimmer.tenant.record({**team("Moved", 2, event_id="f"), "time": "2021-01-01T00:00:00Z"})
    await trimmer.tenant.record(team("Moved", 3, event_id="g"))
    await trimmer.age_and_trim()
    assert await bodies(trimmer) == {"1": True, "2": True, "3": True}


async def test_bodies_of_many_facts_about_one_entity_are_emptied(trimmer: Trimmer) -> None:
    for n in range(0, 2_400, 800):
        moved = (event("TeamMoved", "t", n + i, id=f"{n + i}", event_id=f"e{i}") for i in range(800))
        await trimmer.tenant.record(*moved)
    await trimmer.age_and_trim()
    assert [id for id, kept in (await bodies(trimmer)).items() if kept] == ["2399"]
    assert (await trimmer.tenant.audit()).violated == []
