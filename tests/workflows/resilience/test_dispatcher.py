"""The dispatcher between rows and Temporal: what it does when Temporal is away, refuses, or is slow."""

from collections import Counter

import pytest
from temporalio.service import RPCError, RPCStatusCode

from dispatcher import BATCH, Dispatcher
from errors import Unavailable
from messages.relationship import Nudge
from messages.workflow_ids import Subject
from tests.support.harness import House, event, until

pytestmark = pytest.mark.stack


class Temporal:
    """In the starter's place: fails for some keys, as it is told to."""

    def __init__(self) -> None:
        self.failing: dict[str, Exception] = {}
        self.nudged: Counter[str] = Counter()
        self.debtors: set[str | None] = set()

    async def nudge(self, subject: Subject, fact: str, nudge: Nudge, debtor: str | None = None) -> None:
        self.debtors.add(debtor)
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
def dispatcher(house: House, double: Temporal) -> Dispatcher:
    return Dispatcher(house.pool, double, check_after=3600)  # type: ignore[arg-type]


async def groups(house: House, count: int) -> list[str]:
    keys = [f"g{n}" for n in range(count)]
    await house.tell(*[event("GroupCreated", key, name=key) for key in keys])
    return keys


async def test_each_intent_is_dispatched_once(house: House, double: Temporal, dispatcher: Dispatcher) -> None:
    keys = await groups(house, BATCH + 20)
    while await dispatcher.round():
        pass
    assert double.nudged == Counter(keys)
    assert double.debtors == {"channels"}
    waits = "select count(*) from waits where tenant = $1 and started_at is not null"
    assert await house.pool.fetchval(waits, house.tenant) == len(keys)


async def test_two_dispatchers_share_the_work(house: House, double: Temporal) -> None:
    keys = await groups(house, 150)
    pair = [Dispatcher(house.pool, double, check_after=3600) for _ in range(2)]  # type: ignore[arg-type]
    while any([await one.round() for one in pair]):
        pass
    assert double.nudged == Counter(keys)


async def test_what_could_not_be_told_is_told_as_soon_as_temporal_is_back(
    house: House, double: Temporal, dispatcher: Dispatcher
) -> None:
    keys = await groups(house, 40)
    double.failing = dict.fromkeys(keys[5:], away())
    with pytest.raises(Unavailable, match="Temporal is away: gone"):
        await dispatcher.round()
    double.failing = {}
    await dispatcher.round()
    assert double.nudged == Counter(keys)


async def test_a_lazy_client_that_cannot_connect_is_away(
    house: House, double: Temporal, dispatcher: Dispatcher
) -> None:
    (key,) = await groups(house, 1)
    double.failing = {key: RuntimeError("Failed client connect")}
    with pytest.raises(Unavailable, match="Failed client connect"):
        await dispatcher.round()


async def test_a_refusal_harms_only_its_own_instance(house: House, double: Temporal, dispatcher: Dispatcher) -> None:
    keys = await groups(house, 3)
    double.failing = {keys[0]: refusing()}
    while await dispatcher.round():
        pass
    assert double.nudged == Counter(keys[1:])
    assert await house.count("intents") == 3
    double.failing = {}
    claimed = "update intents set claimed_at = claimed_at - interval '1 minute' where tenant = $1"
    await house.pool.execute(claimed, house.tenant)
    await dispatcher.round()
    assert double.nudged == Counter(keys)


async def test_a_wait_that_could_not_be_started_is_started_later(
    house: House, double: Temporal, dispatcher: Dispatcher
) -> None:
    await house.tell(event("ItemAdded", "i1", name="x", category="books"))
    await house.pool.execute("update waits set start_at = now() where tenant = $1", house.tenant)
    double.failing = {"books": away()}
    with pytest.raises(Unavailable):
        await dispatcher.round()
    double.failing = {}

    async def started() -> int:
        await dispatcher.round()
        return double.nudged["books"]

    assert await until(started) == 1


async def test_a_tenant_has_only_so_many_workflows_that_wait_but_what_is_overdue_is_told(
    house: House, double: Temporal
) -> None:
    items = [event("ItemAdded", f"i{n}", name="x", category=f"c{n}") for n in range(5)]
    await house.tell(*items)
    started = "update waits set start_at = now() where tenant = $1"
    await house.pool.execute(started, house.tenant)
    capped = Dispatcher(house.pool, double, check_after=3600, open_waits=0)  # type: ignore[arg-type]
    await capped.round()
    assert double.nudged == Counter()
    overdue = "update waits set due = now() where tenant = $1 and parent in ('c1', 'c3')"
    await house.pool.execute(overdue, house.tenant)
    await Dispatcher(house.pool, double, check_after=3600, open_waits=0).round()  # type: ignore[arg-type]
    assert double.nudged == Counter(["c1", "c3"])
