"""Messages of other systems: each gives no fact, one, or several, and is recorded once."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.catalog import Catalog
from catalog.message_mapping import ForeignMessage, MappedFact
from config import Limits
from facts.ingest import Batch
from facts.validation import Validator
from store.db.pool import Pool
from store.migrate import migrate
from store.write.recording import Recorded
from tests.support.events import Event
from tests.support.tenants import TRACKER, StoreTenant, expected_lines, in_a_database

WHERE = {"id": 7, "name": "engine"}


def message(id: str, action: str, issue: int | None = 1, sequence: int = 1, **data: Any) -> Event:
    return {
        "specversion": "1.0",
        "source": "/tracker",
        "id": id,
        "type": "com.tracker.issues",
        "sequence": str(sequence),
        "data": {"action": action, "issue": {"id": issue, "title": id}, **data},
    }


def fact(type: str, key: str, sequence: int, id: str, source: str = "/tracker", **data: Any) -> Event:
    return {
        "specversion": "1.0",
        "source": source,
        "id": id,
        "type": f"com.tracker.{type}",
        "subject": key,
        "sequence": str(sequence),
        "data": data,
    }


@pytest.fixture
async def tracker(pool: Pool) -> StoreTenant:
    """A tenant with the declarations of the tracker."""
    await migrate(pool, TRACKER)
    return StoreTenant(pool, TRACKER)


async def receive(tenant: StoreTenant, *messages: Event) -> tuple[Batch, Recorded]:
    """Records messages as they come in over HTTP."""
    batch = Batch(Validator(tenant.catalog, Limits()))
    for one in messages:
        batch.add(one)
    return batch, await tenant.recorder.record(tenant.name, batch.entries, batch.rejections, actor="test")


async def test_facts_of_a_message_are_recorded_in_its_order(tracker: StoreTenant) -> None:
    batch, outcome = await receive(tracker, message("m1", "opened", repository=WHERE, new_repository=True))
    assert (outcome.accepted, batch.entry_indexes) == (2, [0, 0])
    facts = [
        fact("repository.created", "7", 1, "m1", name="engine"),
        fact("issues.opened.v2", "1", 1, "m1", "/tracker#2", subject="m1", repository=WHERE),
    ]
    await tracker.assert_holds(facts)
    assert b"link|repository_issue|1|7|linked" in await tracker.lines()


async def test_ledger_keeps_a_message_once(tracker: StoreTenant) -> None:
    sent = message("m1", "opened", repository=WHERE, new_repository=True)
    await receive(tracker, sent)
    rows = await tracker.pool.fetch("select source, published from facts order by position")
    whole = {"type": sent["type"], "subject": None, "data": sent["data"]}
    assert [tuple(row) for row in rows] == [("/tracker", whole), ("/tracker#2", None)]


async def test_message_that_comes_again_is_a_duplicate(tracker: StoreTenant) -> None:
    sent = message("m1", "opened", repository=WHERE, new_repository=True)
    await receive(tracker, sent)
    _, again = await receive(tracker, {**sent, "time": "2026-01-01T10:00:00Z"}, sent)
    assert (again.accepted, again.duplicates, again.refused) == (0, 4, {})


async def test_other_message_under_the_same_id_is_refused(tracker: StoreTenant) -> None:
    await receive(tracker, message("m1", "opened", repository=WHERE, new_repository=True))
    other = message("m1", "edited")
    _, outcome = await receive(tracker, other)
    assert "another body was recorded" in outcome.refused[0]
    (raw,) = await tracker.pool.fetch("select raw from quarantine")
    assert orjson.loads(raw["raw"])["data"] == other["data"]


async def test_message_that_says_nothing_is_ignored_and_counted(tracker: StoreTenant) -> None:
    batch, outcome = await receive(tracker, message("m1", "labeled"), message("m2", "opened"))
    assert (batch.ignored, batch.entry_indexes, outcome.accepted) == ([0], [1], 1)
    assert await tracker.pool.fetchval("select count(*) from quarantine") == 0


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({**message("m", "opened"), "data": {}}, "the mapping issues raises KeyError: 'issue'"),
        (message("m", "opened", issue=None, repository=WHERE), "gives a IssueOpenedV2 of None, which is no key"),
        (message("m", "transferred", repository={"id": "seven"}), "breaks com.tracker.issues.transferred"),
        ({**message("m", "opened"), "source": "/tracker#2"}, "the source of a message has no fragment"),
    ],
)
async def test_message_that_cannot_be_mapped_is_quarantined(tracker: StoreTenant, bad: Event, reason: str) -> None:
    batch, _ = await receive(tracker, bad, message("m2", "opened"))
    assert reason in batch.flawed[0].reason
    assert len(batch.entries) == 1
    (row,) = await tracker.pool.fetch("select reason, raw from quarantine")
    assert (reason in row["reason"], orjson.loads(row["raw"])) == (True, bad)


def remapped(catalog: Catalog, more: bool) -> Catalog:
    """Returns a catalog whose mapping gives other facts of a message."""

    def issues(message: ForeignMessage) -> Iterator[MappedFact]:
        former = [*catalog.contracts.mappings[message.type].function(message)]
        yield from (replace(one, data={}) for one in (*former, *(former if more else ())))

    mappings = {type: replace(one, function=issues) for type, one in catalog.contracts.mappings.items()}
    return Catalog(replace(catalog.contracts, mappings=mappings), catalog.relationships)


@pytest.mark.parametrize("more", [True, False])
async def test_known_message_is_a_duplicate_by_another_mapping(tracker: StoreTenant, more: bool) -> None:
    sent = message("m1", "edited")
    await receive(tracker, sent)
    before = await tracker.lines()
    other = replace(tracker, catalog=remapped(TRACKER, more))
    _, again = await receive(other, sent)
    assert (again.accepted, again.refused) == (0, {})
    assert await tracker.lines() == before


actions = st.sampled_from(["opened", "transferred", "edited", "deleted", "labeled"])
messages = st.builds(
    lambda id, action, issue, sequence, where: message(
        id, action, issue, sequence, repository={"id": where, "name": ""}, new_repository=where == 1
    ),
    st.uuids().map(str), actions, st.integers(1, 2), st.integers(1, 5), st.integers(1, 3),
)  # fmt: skip


def facts_of(sent: Event) -> list[Event]:
    """Returns the facts that the owner would have published of a message."""
    data, key, n, id = sent["data"], str(sent["data"]["issue"]["id"]), int(sent["sequence"]), sent["id"]
    where = data["repository"]
    if data["action"] == "opened":
        made = [fact("repository.created", str(where["id"]), n, id, name="")] if data["new_repository"] else []
        return [
            *made,
            fact("issues.opened.v2", key, n, id, "/tracker#2" if made else "/tracker", subject=id, repository=where),
        ]
    if data["action"] == "transferred":
        return [fact("issues.transferred", key, n, id, repository=where)]
    if data["action"] == "edited":
        return [fact("issues.edited", key, n, id, subject=id)]
    return [fact("issues.deleted", key, n, id)] if data["action"] == "deleted" else []


@in_a_database
@given(st.lists(messages, max_size=10, unique_by=lambda one: one["id"]), st.integers(0, 2**32))
async def test_messages_end_as_the_facts_that_they_say(pool: Pool, sent: list[Event], seed: int) -> None:
    await migrate(pool, TRACKER)
    tenant, random = StoreTenant(pool, TRACKER).other_tenant(), Random(seed)
    for one in sent:
        await receive(tenant, one, *random.sample(sent, random.randint(0, len(sent))))
    recorded = [*await pool.fetch("select source, id from facts where tenant = $1 order by position", tenant.name)]
    by_id = {(one["source"], one["id"]): one for one_message in sent for one in facts_of(one_message)}
    await tenant.assert_holds([by_id[row["source"], row["id"]] for row in recorded])
    assert len(recorded) == len(by_id)
    assert await tenant.lines() == expected_lines(TRACKER, [by_id[row["source"], row["id"]] for row in recorded])
