"""The dispatcher between outbox rows and Temporal, when Temporal is unavailable, refuses or is slow."""

from collections import Counter

import pytest
from temporalio.service import RPCError, RPCStatusCode

from dispatcher import BATCH, Dispatcher
from errors import Unavailable
from messages.signals import Nudge
from messages.workflow_ids import Subject
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness

pytestmark = pytest.mark.stack


class Temporal:
    """A test double of the starter. ``failing``: key → error to raise."""

    def __init__(self) -> None:
        self.failing: dict[str, Exception] = {}
        self.nudged: Counter[str] = Counter()
        self.owners: set[str | None] = set()

    async def nudge(self, subject: Subject, fact: str, nudge: Nudge, owner: str | None = None) -> None:
        self.owners.add(owner)
        if subject.key in self.failing:
            raise self.failing[subject.key]
        self.nudged[subject.key] += 1


def away() -> RPCError:
    return RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")


def refusing() -> RPCError:
    return RPCError("too many signals", RPCStatusCode.INVALID_ARGUMENT, b"")


@pytest.fixture
def double() -> Temporal:
    return Temporal()


@pytest.fixture
def dispatcher(harness: Harness, double: Temporal) -> Dispatcher:
    return Dispatcher(harness.pool, double, check_after=3600)  # type: ignore[arg-type]


async def groups(harness: Harness, count: int) -> list[str]:
    keys = [f"g{n}" for n in range(count)]
    await harness.record(*[event("GroupCreated", key, name=key) for key in keys])
    return keys


async def test_each_outbox_row_is_dispatched_once(harness: Harness, double: Temporal, dispatcher: Dispatcher) -> None:
    keys = await groups(harness, BATCH + 20)
    while await dispatcher.round():
        pass
    assert double.nudged == Counter(keys)
    assert double.owners == {"channels"}
    waits = "select count(*) from waits where tenant = $1 and workflow_started_at is not null"
    assert await harness.pool.fetchval(waits, harness.tenant) == len(keys)


async def test_two_dispatchers_share_the_work(harness: Harness, double: Temporal) -> None:
    keys = await groups(harness, 150)
    pair = [Dispatcher(harness.pool, double, check_after=3600) for _ in range(2)]  # type: ignore[arg-type]
    while any([await one.round() for one in pair]):
        pass
    assert double.nudged == Counter(keys)


async def test_outbox_is_sent_when_temporal_is_available_again(
    harness: Harness, double: Temporal, dispatcher: Dispatcher
) -> None:
    keys = await groups(harness, 40)
    double.failing = dict.fromkeys(keys[5:], away())
    with pytest.raises(Unavailable, match="Temporal is unavailable: gone"):
        await dispatcher.round()
    double.failing = {}
    await dispatcher.round()
    assert double.nudged == Counter(keys)


async def test_lazy_client_that_cannot_connect_is_unavailable(
    harness: Harness, double: Temporal, dispatcher: Dispatcher
) -> None:
    (key,) = await groups(harness, 1)
    double.failing = {key: RuntimeError("Failed client connect")}
    with pytest.raises(Unavailable, match="Failed client connect"):
        await dispatcher.round()


async def test_refused_call_affects_only_its_own_instance(
    harness: Harness, double: Temporal, dispatcher: Dispatcher
) -> None:
    keys = await groups(harness, 3)
    double.failing = {keys[0]: refusing()}
    while await dispatcher.round():
        pass
    assert double.nudged == Counter(keys[1:])
    assert await harness.count_rows("outbox") == 3
    double.failing = {}
    claimed = "update outbox set claimed_at = claimed_at - interval '1 minute' where tenant = $1"
    await harness.pool.execute(claimed, harness.tenant)
    await dispatcher.round()
    assert double.nudged == Counter(keys)


async def test_wait_whose_workflow_could_not_start_is_started_later(
    harness: Harness, double: Temporal, dispatcher: Dispatcher
) -> None:
    await harness.record(event("ItemAdded", "i1", name="x", category="books"))
    await harness.pool.execute("update waits set workflow_after = now() where tenant = $1", harness.tenant)
    double.failing = {"books": away()}
    with pytest.raises(Unavailable):
        await dispatcher.round()
    double.failing = {}

    async def started() -> int:
        await dispatcher.round()
        return double.nudged["books"]

    assert await eventually(started) == 1


async def test_waits_beyond_the_limit_of_workflows_become_overdue_too(harness: Harness, double: Temporal) -> None:
    items = [event("ItemAdded", f"i{n}", name="x", category=f"c{n}") for n in range(5)]
    await harness.record(*items)
    started = "update waits set workflow_after = now() where tenant = $1"
    await harness.pool.execute(started, harness.tenant)
    capped = Dispatcher(harness.pool, double, check_after=3600, open_waits=0)  # type: ignore[arg-type]
    await capped.round()
    assert double.nudged == Counter()
    overdue = "update waits set due = now() where tenant = $1 and parent in ('c1', 'c3')"
    await harness.pool.execute(overdue, harness.tenant)
    await Dispatcher(harness.pool, double, check_after=3600, open_waits=0).round()  # type: ignore[arg-type]
    assert double.nudged == Counter(["c1", "c3"])
