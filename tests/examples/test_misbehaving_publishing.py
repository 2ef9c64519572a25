"""Facts that are published twice and out of order: each of them arrives."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from fastapi import Response

from examples.groups.service import GROUPS
from examples.owner.misbehaviour.publishing import LATEST, Publishing
from examples.owner.misbehaviour.settings import Misbehaviour, MisbehaviourSettings
from examples.owner.outbox import Pending
from examples.owner.testing import RecordingTether, inside
from tests.support.eventually import eventually, eventually_true


def facts(*positions: int) -> list[Pending]:
    return [Pending(position, f"fact {position}") for position in positions]


def rounds(publishing: Publishing, waiting: Sequence[Pending], count: int) -> list[list[int]]:
    """Positions of the facts that are sent in each round, if all of them are accepted."""
    batches: list[list[int]] = []
    for _ in range(count):
        sent = {position for batch in batches for position in batch}
        batches.append([fact.position for fact in publishing.arranged([f for f in waiting if f.position not in sent])])
    return batches


def test_without_misbehaviour_facts_are_sent_in_order() -> None:
    assert rounds(Publishing(Misbehaviour()), facts(*range(100)), 2) == [list(range(100)), []]


def test_repetitions_are_in_one_of_the_next_batches() -> None:
    chance = Misbehaviour(MisbehaviourSettings(duplicated=0.5, seed=1))
    first, *later = rounds(Publishing(chance), facts(*range(100)), LATEST + 3)
    assert first == list(range(100))
    repeated = [position for batch in later[:LATEST] for position in batch]
    assert len(repeated) == len(set(repeated)) == chance.struck["duplicated"] > 25
    assert all(later[:LATEST])
    assert later[LATEST:] == [[], []]


def test_reordered_facts_are_all_sent_within_the_latest_round() -> None:
    chance = Misbehaviour(MisbehaviourSettings(reordered=0.5, seed=1))
    first, *later = rounds(Publishing(chance), facts(*range(100)), LATEST + 2)
    assert first != sorted(first)
    assert all(later[:LATEST])
    assert later[LATEST:] == [[]]
    assert sorted(position for batch in [first, *later] for position in batch) == list(range(100))
    assert sum(map(len, later)) < chance.struck["reordered"] < 75


def test_all_facts_are_sent_when_all_are_reordered() -> None:
    batches = rounds(
        Publishing(Misbehaviour(MisbehaviourSettings(reordered=1, seed=1))), facts(*range(100)), LATEST + 1
    )
    assert sorted(position for batch in batches for position in batch) == list(range(100))


def test_kept_facts_are_sent_immediately_once_misbehaviour_ends() -> None:
    chance = Misbehaviour(MisbehaviourSettings(reordered=1, duplicated=1, seed=1))
    publishing = Publishing(chance)
    sent = {fact.position for fact in publishing.arranged(facts(*range(100)))}
    kept = facts(*(position for position in range(100) if position not in sent))
    chance.set(MisbehaviourSettings())
    assert publishing.arranged(kept) == kept
    assert rounds(publishing, [], LATEST) == [[]] * LATEST


def test_facts_that_could_not_be_sent_are_sent_later() -> None:
    waiting, publishing = facts(*range(20)), Publishing(Misbehaviour(MisbehaviourSettings(reordered=0.5, seed=1)))
    seen = {fact.position for _ in range(20) for fact in publishing.arranged(waiting)}  # none is ever accepted
    assert seen == set(range(20))


@pytest_asyncio.fixture
async def client(tmp_path: Path, tether: RecordingTether) -> AsyncIterator[httpx2.AsyncClient]:
    async with inside(GROUPS, tmp_path / "groups.db", tether, Misbehaviour()) as connected:
        yield connected


async def publish_all(client: httpx2.AsyncClient, count: int) -> None:
    """Renames one group concurrently, and waits until ``count`` facts are published."""
    await client.post("/groups", json={"id": "x", "name": "0"})
    async with asyncio.TaskGroup() as group:
        for number in range(1, count):
            group.create_task(client.patch("/groups/x", json={"name": str(number)}))

    async def report_at_rest() -> dict[str, Any] | None:
        report: dict[str, Any] = (await client.get("/outbox")).json()
        return None if report["pending"] else report

    assert await eventually(report_at_rest) == {"pending": 0, "published": count, "parked": []}


@pytest.mark.parametrize("share", [0.3, 1])
async def test_owner_that_repeats_and_reorders_facts_publishes_all(
    client: httpx2.AsyncClient, tether: RecordingTether, share: float
) -> None:
    answer = await client.put("/misbehaviour", json={"duplicated": share, "reordered": share, "seed": 1})
    tether.answer_next(Response(status_code=503), httpx2.ReadError("connection reset"))
    await publish_all(client, 100)
    facts = await tether.heard(100)
    assert sorted(int(fact["sequence"]) for fact in facts) == list(range(1, 101))
    assert [int(fact["sequence"]) for fact in facts] != list(range(1, 101)), "in order of first arrival"
    batches = Counter(fact["id"] for batch in tether.batches for fact in {fact["id"]: fact for fact in batch}.values())
    assert max(batches.values()) > 1, "some are in several batches"
    struck = (await client.get("/misbehaviour")).json()["struck"]
    assert answer.json()["struck"] == dict.fromkeys(struck, 0)
    assert min(struck["duplicated"], struck["reordered"]) >= 100 * share / 2


async def test_repetitions_are_identical_and_do_not_change_the_outbox(
    client: httpx2.AsyncClient, tether: RecordingTether
) -> None:
    await client.put("/misbehaviour", json={"duplicated": 1})
    await publish_all(client, 20)
    await eventually_true(lambda: len(tether.facts) >= 40)
    by_id = {fact["id"]: fact for fact in tether.facts}
    assert len(by_id) == 20
    assert all(fact == by_id[fact["id"]] for fact in tether.facts)
    assert (await client.get("/outbox")).json() == {"pending": 0, "published": 20, "parked": []}
