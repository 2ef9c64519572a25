"""The relay publishes in order and at least once, retries while Tether is away, and parks a refused fact alone."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import Response
from fastapi.responses import JSONResponse

from examples.owner import outbox
from examples.owner.database import Database
from examples.owner.entities import OwnedEntity
from examples.owner.outbox import OwnerOutbox
from examples.owner.relay import LONGEST_PAUSE, LONGEST_RETRY_AFTER, Relay
from examples.owner.testing import RecordingTether


class RelayHarness:
    """An outbox with a relay whose pauses are recorded and take no time."""

    def __init__(self, database: Database, tether: RecordingTether) -> None:
        self.database = database
        self.outbox = OwnerOutbox(database, "/things")
        self.pauses: list[float] = []
        self._tether = tether

    def add(self, *subjects: str) -> None:
        with self.database.transaction() as tx:
            for subject in subjects:
                self.outbox.add(tx, "ThingCreated.v1", OwnedEntity(subject, 1, True, {}), {}, {})

    async def _note(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    @asynccontextmanager
    async def running(self, client: httpx2.AsyncClient | None = None) -> AsyncIterator[None]:
        async with client or self._tether.client() as connected:
            task = asyncio.create_task(Relay(self.database, self.outbox, connected, self._note).run())
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def settled(self) -> dict[str, Any]:
        """Waits until no fact is pending; returns the report of the outbox."""
        loop, committed = asyncio.get_running_loop(), asyncio.Event()
        with self.database.on_commit(lambda: loop.call_soon_threadsafe(committed.set)):
            async with asyncio.timeout(30):
                while (report := self.outbox.report())["pending"]:
                    await committed.wait()
                    committed.clear()
        return report


@pytest.fixture
def relay(tmp_path: Path, tether: RecordingTether) -> Iterator[RelayHarness]:
    database = Database(tmp_path / "owner.db", outbox.SCHEMA)
    yield RelayHarness(database, tether)
    database.close()


def subjects(tether: RecordingTether) -> list[str]:
    return [fact["subject"] for fact in tether.facts]


async def test_facts_are_published_in_order_and_in_batches_of_500(relay: RelayHarness, tether: RecordingTether) -> None:
    keys = [str(number) for number in range(1200)]
    relay.add(*keys)
    async with relay.running():
        await relay.settled()
    assert subjects(tether) == keys
    assert [len(batch) for batch in tether.batches] == [500, 500, 200]


async def test_commit_wakes_the_relay(relay: RelayHarness, tether: RecordingTether) -> None:
    async with relay.running():
        for count, subject in enumerate("abc", start=1):
            await asyncio.to_thread(relay.add, subject)
            await tether.heard(count)
    assert subjects(tether) == ["a", "b", "c"]
    assert relay.pauses == []


async def test_commit_between_reading_and_waiting_is_not_missed(
    relay: RelayHarness, tether: RecordingTether, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, late = relay.outbox.pending, iter(["late"])
    reads = 0

    def pending(limit: int) -> list[outbox.Pending]:
        nonlocal reads
        reads += 1
        found = whole(limit)
        for subject in late:
            relay.add(subject)
        return found

    monkeypatch.setattr(relay.outbox, "pending", pending)
    async with relay.running():
        await tether.heard(1)
        await relay.settled()
        await asyncio.to_thread(relay.add, "later")
        await tether.heard(2)
        await relay.settled()
        for _ in range(50):  # gives the relay the opportunity for unnecessary reads
            await asyncio.to_thread(relay.outbox.report)
    assert reads <= 8, "an idle relay waits for commits instead of polling"


async def test_fact_of_a_rolled_back_transaction_is_not_published(relay: RelayHarness, tether: RecordingTether) -> None:
    def add_and_fail() -> None:
        with relay.database.transaction() as tx:
            relay.outbox.add(tx, "ThingCreated.v1", OwnedEntity("undone", 1, True, {}), {}, {})
            raise OSError("half-way")

    async with relay.running():
        with pytest.raises(OSError, match="half-way"):
            add_and_fail()
        relay.add("done")
        await relay.settled()
    assert subjects(tether) == ["done"]


async def test_pauses_grow_with_jitter_up_to_a_limit_and_no_fact_is_lost(
    relay: RelayHarness, tether: RecordingTether
) -> None:
    tether.answer_next(*[Response(status_code=503)] * 10)
    relay.add("a", "b")
    async with relay.running():
        await relay.settled()
    assert subjects(tether) == ["a", "b"]
    assert len(relay.pauses) == 10
    for failures, pause in enumerate(relay.pauses):
        longest = min(LONGEST_PAUSE, 0.1 * 2**failures)
        assert longest / 2 <= pause <= longest
    assert len(set(relay.pauses)) == 10


async def test_pauses_are_short_again_after_a_success(relay: RelayHarness, tether: RecordingTether) -> None:
    bad, good = Response(status_code=500), JSONResponse({"quarantined": []}, 202)
    tether.answer_next(bad, bad, bad, good, bad)
    async with relay.running():
        relay.add("a")
        await relay.settled()
        relay.add("b")
        await relay.settled()
    assert relay.pauses[2] > relay.pauses[3]
    assert relay.pauses[3] <= 0.1


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured_in_both_forms(relay: RelayHarness, tether: RecordingTether, status: int) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    headers = ["7", date, "999999999", "soon", "²", "-5", "Mon, 01 Jan 2024 00:00:00 -0000"]
    tether.answer_next(*[Response(status_code=status, headers={"retry-after": value}) for value in headers])
    relay.add("a")
    async with relay.running():
        await relay.settled()
    seven, minute, longest, *malformed = relay.pauses
    assert 7 <= seven <= 7.1
    assert 50 <= minute <= 60.2
    assert LONGEST_RETRY_AFTER <= longest <= LONGEST_RETRY_AFTER + 0.4
    assert all(pause <= LONGEST_PAUSE for pause in malformed)


async def test_facts_whose_answer_was_lost_are_sent_again_unchanged(
    relay: RelayHarness, tether: RecordingTether
) -> None:
    tether.answer_next(httpx2.ReadError("connection reset"))
    relay.add("a", "b")
    async with relay.running():
        await relay.settled()
    assert len(tether.batches) == 2
    assert tether.batches[0] == tether.batches[1]


async def test_refused_fact_is_parked_alone_and_can_be_redriven(relay: RelayHarness, tether: RecordingTether) -> None:
    keys = [str(number) for number in range(1000)]
    tether.poison = {"17", "18", "640"}
    relay.add(*keys)
    async with relay.running():
        report = await relay.settled()
        assert [parked["event"]["subject"] for parked in report["parked"]] == ["17", "18", "640"]
        assert all(parked["refusal"].startswith("400: ") for parked in report["parked"])
        assert subjects(tether) == [subject for subject in keys if subject not in tether.poison]
        tether.poison.clear()
        assert await asyncio.to_thread(relay.outbox.redrive) == 3
        report = await relay.settled()
    assert report == {"pending": 0, "published": 1000, "parked": []}
    assert subjects(tether)[-3:] == ["17", "18", "640"]
    assert relay.pauses == []


@pytest.mark.parametrize("status", [401, 403, 404, 500, 302, 200])
async def test_answer_that_does_not_refuse_facts_parks_none(
    relay: RelayHarness, tether: RecordingTether, status: int
) -> None:
    tether.answer_next(Response(status_code=status))
    relay.add("a")
    async with relay.running():
        assert (await relay.settled())["parked"] == []
    assert subjects(tether) == ["a"]
    assert len(relay.pauses) == 1


async def test_202_in_another_format_is_not_accepted(relay: RelayHarness, tether: RecordingTether) -> None:
    tether.answer_next(Response("thanks", 202))
    relay.add("a")
    async with relay.running():
        await relay.settled()
    assert subjects(tether) == ["a", "a"]


async def test_quarantined_facts_count_as_published_and_are_reported(
    relay: RelayHarness, tether: RecordingTether, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"index": 1, "id": "?", "reason": "no contract for ThingCreated.v1"}
    tether.answer_next(JSONResponse({"quarantined": [entry]}, 202))
    relay.add("a", "b")
    async with relay.running():
        report = await relay.settled()
    assert report == {"pending": 0, "published": 2, "parked": []}
    [record] = [record for record in caplog.records if record.name == "examples.owner.relay"]
    assert '"subject": "b"' in record.getMessage()
    assert "no contract for ThingCreated.v1" in record.getMessage()


async def test_rejected_fact_of_a_batch_is_parked_and_others_are_published(
    relay: RelayHarness, tether: RecordingTether
) -> None:
    entry = {"index": 1, "id": "b", "reason": "time: is no RFC 3339 time"}
    tether.answer_next(JSONResponse({"quarantined": [], "rejected": [entry]}, 202))
    relay.add("a", "b", "c")
    async with relay.running():
        report = await relay.settled()
    assert (report["pending"], report["published"]) == (0, 2)
    (parked,) = report["parked"]
    assert (parked["event"]["subject"], parked["refusal"]) == ("b", "rejected: time: is no RFC 3339 time")


async def test_full_disk_does_not_end_the_relay(
    relay: RelayHarness, tether: RecordingTether, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.add("a")
    whole = relay.outbox.pending
    failures = iter([sqlite3.OperationalError("database or disk is full")])

    def pending(limit: int) -> list[outbox.Pending]:
        for failure in failures:
            raise failure
        return whole(limit)

    monkeypatch.setattr(relay.outbox, "pending", pending)
    async with relay.running():
        await relay.settled()
    assert subjects(tether) == ["a"]
    assert len(relay.pauses) == 1
