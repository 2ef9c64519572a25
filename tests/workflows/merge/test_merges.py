"""Merges: recorded and proven in one step each, then the owner of the losers retires them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from examples.people.service import PEOPLE
from messages.operation_reasons import describe_operation
from messages.search_attributes import ENTITY
from store.operations import merge_batches, operations
from store.operations.merge_checks import NewMerge
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.merge_requests import aliases, create_people, merge_subject, request_merge, request_undo, retirements
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack


@pytest.fixture
async def people(harness: Harness, tmp_path: Path) -> AsyncIterator[Scenario]:
    """A running Tether with the owner of people; the profiles a, b and c, of which b has two tickets."""
    scenario = Scenario(harness, tmp_path, {"people": PEOPLE})
    async with scenario.running(), harness.running():
        await create_people(scenario, "a", "b", "c")
        await harness.record(*(event("TicketOpened", key, subject=key, person_id="b") for key in ("t1", "t2")))
        yield scenario


async def wait_until_at_rest(scenario: Scenario, id: str) -> None:
    await scenario.harness.wait_until_at_rest()
    await scenario.harness.wait_for_workflow_end(merge_subject(scenario.harness, id))


async def test_losers_are_retired_once_the_merge_is_proven(people: Scenario) -> None:
    harness = people.harness
    id = await request_merge(harness, "a", "b", "c")
    row = await harness.wait_for_operation(id, "done")
    assert await aliases(harness) == {"b": "a", "c": "a"}
    assert await harness.links("person_ticket") == {"t1": "a", "t2": "a"}
    (fact,) = await harness.facts("Merged")
    assert row.revision == fact["revision"]
    assert (row.confirmed, row.parked) == (2, 0)
    assert sorted(path for _, _, path in people.transport.requests) == [
        "/people/b/retirements",
        "/people/c/retirements",
    ]
    assert [effects for _, effects in (await people.commands("people")).values()] == [1, 1]
    assert [fact["correlation"] for fact in await harness.facts("PersonDeleted")] == [f"tether2.{id}"] * 2
    await wait_until_at_rest(people, id)


async def test_merges_of_one_request_are_proven_and_retired_together(people: Scenario) -> None:
    harness = people.harness
    new = [NewMerge("m1", "person", "a", ("b",)), NewMerge("m2", "person", "c", ("never",))]
    outcomes = await merge_batches.run(harness.pool, harness.catalog, harness.tenant, "person", new, "test")
    assert outcomes.operation is not None
    await harness.wait_for_operation(outcomes.operation, "done")
    assert await retirements(harness, outcomes.operation) == {"b": "confirmed", "never": "skipped"}
    query = "select proof ->> 'lost' from merges where tenant = $1 order by id"
    assert [row[0] for row in await harness.pool.fetch(query, harness.tenant)] == ["", ""]
    await wait_until_at_rest(people, outcomes.operation)


async def test_description_names_who_is_merged_and_how_far_it_is(people: Scenario) -> None:
    people.relay.holding.add("people")
    id = await request_merge(people.harness, "a", "b", "c")
    text = await people.wait_for_description(merge_subject(people.harness, id), "waiting for 2 facts")
    assert text == "b, c merged into a: 0 of 2 retired: RetirePerson at people; waiting for 2 facts"
    described = await people.harness.workflow(merge_subject(people.harness, id)).describe()
    assert described.typed_search_attributes.get(ENTITY) == "a"
    await people.relay.release()
    await people.harness.wait_for_operation(id, "done")
    await wait_until_at_rest(people, id)


async def test_merge_holds_while_the_owner_is_away(people: Scenario) -> None:
    harness = people.harness
    people.transport.away.add("people")
    id = await request_merge(harness, "a", "b")

    async def stuck() -> bool:
        return (await harness.operation(id)).stuck_since is not None

    await eventually(stuck)
    assert await aliases(harness) == {"b": "a"}
    assert "people" in describe_operation(await harness.operation(id))
    assert await retirements(harness, id) == {"b": "failing"}
    await request_undo(harness, id)
    await harness.wait_for_operation(id, "done")
    assert await retirements(harness, id) == {"b": "skipped"}
    assert await aliases(harness) == {}
    await wait_until_at_rest(people, id)
    assert await people.effects("people") == 0


async def test_what_is_not_retired_stays_visible_and_can_be_redriven(people: Scenario) -> None:
    harness = people.harness
    people.transport.refused = {"/b/retirements": (403, "b has open invoices")}
    id = await request_merge(harness, "a", "b", "c")
    row = await harness.wait_for_operation(id, "incomplete")
    assert describe_operation(row) == "merged, but 1 could not be retired at their owner"
    assert await retirements(harness, id) == {"b": "parked", "c": "confirmed"}
    assert await aliases(harness) == {"b": "a", "c": "a"}
    people.transport.refused = {}
    await operations.redrive(harness.pool, harness.tenant, id)
    await harness.wait_for_operation(id, "done")
    assert await retirements(harness, id) == {"b": "confirmed", "c": "confirmed"}
    await wait_until_at_rest(people, id)


async def test_cancelled_merge_stays_and_retires_no_more(people: Scenario) -> None:
    harness = people.harness
    people.transport.away.add("people")
    id = await request_merge(harness, "a", "b")
    await eventually(lambda: _has(harness, id, "failing"))
    await operations.cancel(harness.pool, harness.tenant, id)
    row = await harness.wait_for_operation(id, "cancelled")
    assert "stays" in describe_operation(row)
    assert await aliases(harness) == {"b": "a"}
    await wait_until_at_rest(people, id)
    assert await people.effects("people") == 0


async def _has(harness: Harness, id: str, state: str) -> bool:
    return state in (await retirements(harness, id)).values()


async def test_loser_that_its_owner_deleted_meanwhile_counts_as_retired(people: Scenario) -> None:
    people.transport.lost["people"] = 1  # the effect, without an answer
    id = await request_merge(people.harness, "a", "b")
    await people.harness.wait_for_operation(id, "done")
    assert await people.effects("people") == 1
    await wait_until_at_rest(people, id)


async def test_unknown_losers_are_not_retired(people: Scenario) -> None:
    id = await request_merge(people.harness, "a", "new")
    await people.harness.wait_for_operation(id, "done")
    assert await retirements(people.harness, id) == {"new": "skipped"}
    assert people.transport.requests == []
    await wait_until_at_rest(people, id)
