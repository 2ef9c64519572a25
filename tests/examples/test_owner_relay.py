"""The relay: in order, at least once, patient with Tether and firm with a single bad fact."""

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


class Desk:
    """An outbox with a relay whose pauses take no time but are noted."""

    def __init__(self, database: Database, tether: RecordingTether) -> None:
        self.database = database
        self.outbox = OwnerOutbox(database, "/things")
        self.pauses: list[float] = []
        self._tether = tether

    def tell(self, *subjects: str) -> None:
        with self.database.transaction() as tx:
            for subject in subjects:
                self.outbox.add(tx, "ThingCreated.v1", OwnedEntity(subject, 1, True, {}), {}, {})

    async def _note(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    @asynccontextmanager
    async def relaying(self, client: httpx2.AsyncClient | None = None) -> AsyncIterator[None]:
        async with client or self._tether.client() as connected:
            running = asyncio.create_task(Relay(self.database, self.outbox, connected, self._note).run())
            try:
                yield
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running

    async def settled(self) -> dict[str, Any]:
        """The outbox's report once nothing waits any more."""
        loop, committed = asyncio.get_running_loop(), asyncio.Event()
        with self.database.on_commit(lambda: loop.call_soon_threadsafe(committed.set)):
            async with asyncio.timeout(30):
                while (report := self.outbox.report())["pending"]:
                    await committed.wait()
                    committed.clear()
        return report


@pytest.fixture
def desk(tmp_path: Path, tether: RecordingTether) -> Iterator[Desk]:
    database = Database(tmp_path / "owner.db", outbox.SCHEMA)
    yield Desk(database, tether)
    database.close()


def subjects(tether: RecordingTether) -> list[str]:
    return [fact["subject"] for fact in tether.facts]


async def test_facts_go_out_in_order_and_500_at_a_time(desk: Desk, tether: RecordingTether) -> None:
    told = [str(number) for number in range(1200)]
    desk.tell(*told)
    async with desk.relaying():
        await desk.settled()
    assert subjects(tether) == told
    assert [len(batch) for batch in tether.batches] == [500, 500, 200]


async def test_a_commit_wakes_the_relay(desk: Desk, tether: RecordingTether) -> None:
    async with desk.relaying():
        for count, subject in enumerate("abc", start=1):
            await asyncio.to_thread(desk.tell, subject)
            await tether.heard(count)
    assert subjects(tether) == ["a", "b", "c"]
    assert desk.pauses == []


async def test_a_commit_between_reading_and_waiting_is_not_slept_through(
    desk: Desk, tether: RecordingTether, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, late = desk.outbox.pending, iter(["late"])
    reads = 0

    def pending(limit: int) -> list[outbox.Pending]:
        nonlocal reads
        reads += 1
        found = whole(limit)
        for subject in late:
            desk.tell(subject)
        return found

    monkeypatch.setattr(desk.outbox, "pending", pending)
    async with desk.relaying():
        await tether.heard(1)
        await desk.settled()
        await asyncio.to_thread(desk.tell, "later")
        await tether.heard(2)
        await desk.settled()
        for _ in range(50):  # chances for the relay to do something needless
            await asyncio.to_thread(desk.outbox.report)
    assert reads <= 8, "an idle relay waits instead of asking again and again"


async def test_what_was_rolled_back_was_never_told(desk: Desk, tether: RecordingTether) -> None:
    def tell_and_fail() -> None:
        with desk.database.transaction() as tx:
            desk.outbox.add(tx, "ThingCreated.v1", OwnedEntity("undone", 1, True, {}), {}, {})
            raise OSError("half-way")

    async with desk.relaying():
        with pytest.raises(OSError, match="half-way"):
            tell_and_fail()
        desk.tell("done")
        await desk.settled()
    assert subjects(tether) == ["done"]


async def test_pauses_grow_with_jitter_up_to_a_limit_and_nothing_is_lost(desk: Desk, tether: RecordingTether) -> None:
    tether.answer_next(*[Response(status_code=503)] * 10)
    desk.tell("a", "b")
    async with desk.relaying():
        await desk.settled()
    assert subjects(tether) == ["a", "b"]
    assert len(desk.pauses) == 10
    for failures, pause in enumerate(desk.pauses):
        longest = min(LONGEST_PAUSE, 0.1 * 2**failures)
        assert longest / 2 <= pause <= longest
    assert len(set(desk.pauses)) == 10


async def test_pauses_begin_anew_after_a_success(desk: Desk, tether: RecordingTether) -> None:
    bad, good = Response(status_code=500), JSONResponse({"quarantined": []}, 202)
    tether.answer_next(bad, bad, bad, good, bad)
    async with desk.relaying():
        desk.tell("a")
        await desk.settled()
        desk.tell("b")
        await desk.settled()
    assert desk.pauses[2] > desk.pauses[3]
    assert desk.pauses[3] <= 0.1


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured_in_both_forms(desk: Desk, tether: RecordingTether, status: int) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    asked = ["7", date, "999999999", "soon", "²", "-5", "Mon, 01 Jan 2024 00:00:00 -0000"]
    tether.answer_next(*[Response(status_code=status, headers={"retry-after": value}) for value in asked])
    desk.tell("a")
    async with desk.relaying():
        await desk.settled()
    seven, minute, ages, *nonsense = desk.pauses
    assert 7 <= seven <= 7.1
    assert 50 <= minute <= 60.2
    assert LONGEST_RETRY_AFTER <= ages <= LONGEST_RETRY_AFTER + 0.4
    assert all(pause <= LONGEST_PAUSE for pause in nonsense)


async def test_a_lost_answer_means_the_same_facts_again_byte_for_byte(desk: Desk, tether: RecordingTether) -> None:
    tether.answer_next(httpx2.ReadError("connection reset"))
    desk.tell("a", "b")
    async with desk.relaying():
        await desk.settled()
    assert len(tether.batches) == 2
    assert tether.batches[0] == tether.batches[1]


async def test_a_refused_fact_is_parked_alone_and_can_be_sent_once_mended(desk: Desk, tether: RecordingTether) -> None:
    told = [str(number) for number in range(1000)]
    tether.poison = {"17", "18", "640"}
    desk.tell(*told)
    async with desk.relaying():
        report = await desk.settled()
        assert [parked["event"]["subject"] for parked in report["parked"]] == ["17", "18", "640"]
        assert all(parked["refusal"].startswith("400: ") for parked in report["parked"])
        assert subjects(tether) == [subject for subject in told if subject not in tether.poison]
        tether.poison.clear()
        assert await asyncio.to_thread(desk.outbox.redrive) == 3
        report = await desk.settled()
    assert report == {"pending": 0, "published": 1000, "parked": []}
    assert subjects(tether)[-3:] == ["17", "18", "640"]
    assert desk.pauses == []


@pytest.mark.parametrize("status", [401, 403, 404, 500, 302, 200])
async def test_an_answer_that_is_not_about_the_facts_parks_none(
    desk: Desk, tether: RecordingTether, status: int
) -> None:
    tether.answer_next(Response(status_code=status))
    desk.tell("a")
    async with desk.relaying():
        assert (await desk.settled())["parked"] == []
    assert subjects(tether) == ["a"]
    assert len(desk.pauses) == 1


async def test_somebody_elses_202_is_not_taken_for_tethers(desk: Desk, tether: RecordingTether) -> None:
    tether.answer_next(Response("thanks", 202))
    desk.tell("a")
    async with desk.relaying():
        await desk.settled()
    assert subjects(tether) == ["a", "a"]


async def test_quarantined_facts_count_as_published_and_are_reported(
    desk: Desk, tether: RecordingTether, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"index": 1, "id": "?", "reason": "no contract for ThingCreated.v1"}
    tether.answer_next(JSONResponse({"quarantined": [entry]}, 202))
    desk.tell("a", "b")
    async with desk.relaying():
        report = await desk.settled()
    assert report == {"pending": 0, "published": 2, "parked": []}
    [record] = [record for record in caplog.records if record.name == "examples.owner.relay"]
    assert '"subject": "b"' in record.getMessage()
    assert "no contract for ThingCreated.v1" in record.getMessage()


async def test_a_full_or_locked_disk_does_not_end_the_relay(
    desk: Desk, tether: RecordingTether, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.tell("a")
    whole = desk.outbox.pending
    failures = iter([sqlite3.OperationalError("database or disk is full")])

    def pending(limit: int) -> list[outbox.Pending]:
        for failure in failures:
            raise failure
        return whole(limit)

    monkeypatch.setattr(desk.outbox, "pending", pending)
    async with desk.relaying():
        await desk.settled()
    assert subjects(tether) == ["a"]
    assert len(desk.pauses) == 1
