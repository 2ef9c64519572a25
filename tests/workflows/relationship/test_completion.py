"""No fact is lost between rows and workflows: signals as a workflow ends, storms of signals, terminations, crashes."""

import asyncio
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from devstack.temporal_server import TemporalServer
from dispatcher import Dispatcher
from facts.correlation import encode
from messages.search_attributes import STATE
from tests.support import forked, killed_worker
from tests.support.events import event
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.workflows.relationship.test_deadlines import A_DAY, end_grace_period

pytestmark = pytest.mark.stack

LINKED = "GroupChannelLinked"


async def signal_facts(harness: Harness, service: Client, facts: list[dict[str, Any]], at_once: int = 50) -> set[str]:
    """Signals facts to the workflow of g1, which starts it if needed; returns the ids that Temporal acknowledged."""
    slots = asyncio.Semaphore(at_once)
    acknowledged: set[str] = set()

    async def one(fact: dict[str, Any]) -> None:
        async with slots:
            try:
                await service.start_workflow(
                    "RelationshipWorkflow",
                    {"tenant": harness.tenant, "relationship": "group_channel", "parent": "g1"},
                    id=f"{harness.tenant}/group_channel/g1",
                    task_queue=harness.tenant,
                    start_signal=fact["type"].removesuffix(".v1"),
                    start_signal_args=[fact],
                )
            except RPCError:
                return
            acknowledged.add(fact["id"])

    await asyncio.gather(*(one(fact) for fact in facts))
    return acknowledged


async def ids(harness: Harness, type: str) -> set[str]:
    return {row["id"] for row in await harness.facts(type)}


@pytest.fixture
async def service(server: TemporalServer) -> Client:
    return await Client.connect(server.address)


async def test_signals_arriving_as_the_workflow_ends_are_recorded(running_harness: Harness, service: Client) -> None:
    """Once the channel is known, the workflow ends and is started again by the next signal, many times over."""
    harness = running_harness
    harness.channels.silent = True
    await harness.record(event("GroupCreated", "g1", name="g1"))
    await harness.wait_until_waiting("group_channel", "g1")
    renamed = [event("GroupRenamed", "g1", n, name=f"n{n}") for n in range(2, 202)]
    sending = asyncio.create_task(signal_facts(harness, service, renamed, 10))
    await harness.record(event("ChannelCreated", "c1", correlation=encode("group_channel", "g1"), name="c"))
    acknowledged = await sending
    assert len(acknowledged) == 200

    async def all_there() -> bool:
        return await ids(harness, "GroupRenamed") >= acknowledged

    await eventually(all_there)
    await harness.wait_for_end("group_channel", "g1")
    await harness.wait_until_at_rest()
    assert len(await harness.facts(LINKED)) == 1

    async def all_completed() -> bool:  # lists lag behind
        runs = [e async for e in harness.client.list_workflows(f"WorkflowId = '{harness.tenant}/group_channel/g1'")]
        return {run.status for run in runs} == {WorkflowExecutionStatus.COMPLETED}

    await eventually(all_completed)


async def test_storm_of_signals_is_recorded_over_several_runs(running_harness: Harness, service: Client) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(event("GroupCreated", "g1", name="g1"))
    await harness.wait_until_waiting("group_channel", "g1")
    renamed = [event("GroupRenamed", "g1", n, name=f"n{n}") for n in range(2, 1502)]
    acknowledged = await signal_facts(harness, service, renamed)
    assert len(acknowledged) == 1500

    async def all_there() -> bool:
        return len(await ids(harness, "GroupRenamed")) == 1500

    await eventually(all_there, 60)
    assert (await harness.handle("group_channel", "g1").query("progress"))["facts"] >= 1500
    described = await harness.handle("group_channel", "g1").describe()
    assert described.typed_search_attributes[STATE] == "waiting"
    await harness.record(event("ChannelCreated", "c1", correlation=encode("group_channel", "g1"), name="c"))
    await harness.wait_for_facts(LINKED)
    await harness.wait_for_end("group_channel", "g1")
    await harness.wait_until_at_rest()
    last = (await harness.handle("group_channel", "g1").describe()).raw_description.workflow_execution_info
    assert last.first_run_id != last.execution.run_id
    assert last.history_length < len(renamed)
    assert set(harness.channels.attempts().values()) == {1}


async def test_signals_sent_without_a_worker_are_recorded_later(harness: Harness, service: Client) -> None:
    renamed = [event("GroupRenamed", "g1", n, name=f"n{n}") for n in range(1, 501)]
    acknowledged = await signal_facts(harness, service, renamed)
    async with harness.running():

        async def all_there() -> bool:
            return await ids(harness, "GroupRenamed") == acknowledged

        await eventually(all_there)
        await harness.wait_for_facts(LINKED)
        await harness.wait_until_at_rest()


async def terminate(harness: Harness, relationship: str, parent: str) -> None:
    """Terminates the workflow of an instance, and runs the dispatcher's check, which starts it again."""
    await harness.handle(relationship, parent).terminate("by an operator")
    await Dispatcher(harness.pool, harness.starter, check_after=0).check()


async def test_workflow_terminated_before_its_first_task_is_started_again(harness: Harness) -> None:
    async with harness.dispatching():
        await harness.record(event("GroupCreated", "g1", name="g1"))

        async def started() -> bool:  # and the dispatcher has stored that it did
            query = "select count(*) from outbox where tenant = $1 and dispatched_at is not null"
            return await harness.pool.fetchval(query, harness.tenant) == 1 and await harness.is_open(
                "group_channel", "g1"
            )

        await eventually(started)
        await terminate(harness, "group_channel", "g1")
        async with harness.worker():
            await harness.wait_for_facts(LINKED)
            await harness.wait_until_at_rest()


@pytest.mark.parametrize("end", ["terminate", "cancel"])
async def test_workflow_ended_by_an_operator_is_started_again(running_harness: Harness, end: str) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(event("GroupCreated", "g1", name="g1"))
    await harness.wait_until_waiting("group_channel", "g1")

    async def requests() -> int:
        return len(harness.channels.requests)

    await eventually(requests)
    await getattr(harness.handle("group_channel", "g1"), end)()
    await harness.wait_for_end("group_channel", "g1")
    await Dispatcher(harness.pool, harness.starter, check_after=0).check()
    await harness.wait_until_waiting("group_channel", "g1")
    await harness.record(event("ChannelCreated", "c1", correlation=encode("group_channel", "g1"), name="c"))
    await harness.wait_for_facts(LINKED)
    await harness.wait_until_at_rest()
    assert len(harness.channels.attempts()) == 1


async def test_workflow_terminated_while_parent_is_missing_is_started_again(
    running_harness: Harness,
) -> None:
    harness = running_harness
    await harness.record(event("ItemAdded", "i1", name="x", category="books"))
    await end_grace_period(harness)
    await harness.wait_until_waiting("category_item", "books")
    await terminate(harness, "category_item", "books")
    await harness.wait_until_waiting("category_item", "books")
    await harness.skip("category_item", "books", A_DAY)
    await harness.wait_for_facts("RelationshipOverdue")


async def test_workflow_terminated_while_operation_waits_is_started_again(
    running_harness: Harness,
) -> None:
    harness = running_harness
    id = await harness.link("category_item", "books", "i1")
    await harness.wait_until_waiting("category_item", "books")
    await terminate(harness, "category_item", "books")
    await harness.wait_until_waiting("category_item", "books")
    await harness.record(event("CategoryAdded", "books", name="b"), event("ItemAdded", "i1", name="x"))
    await harness.wait_for_operation(id, "done")
    await harness.wait_until_at_rest()


async def test_check_does_not_touch_running_workflows(running_harness: Harness) -> None:
    harness = running_harness
    harness.channels.silent = True
    await harness.record(event("GroupCreated", "g1", name="g1"))
    await harness.wait_until_waiting("group_channel", "g1")
    run = (await harness.handle("group_channel", "g1").describe()).run_id
    for _ in range(3):
        await Dispatcher(harness.pool, harness.starter, check_after=0).check()
    await harness.dispatcher.round()
    assert (await harness.handle("group_channel", "g1").describe()).run_id == run
    assert await harness.count_rows("outbox") == 1


class CrashesOnce(Interceptor):
    """Fails one activity once: before it has an effect, or after its effect and before Temporal has the result."""

    def __init__(self, step: str, moment: str) -> None:
        self.at = (step, moment)
        self.crashed = False

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Crashing(next, self)

    def crash(self, step: str, moment: str) -> None:
        if (step, moment) == self.at and not self.crashed:
            self.crashed = True
            raise OSError(f"crashed {moment} {step}")


class _Crashing(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, crashes: CrashesOnce) -> None:
        super().__init__(next)
        self._crashes = crashes

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        step = input.fn.__name__
        self._crashes.crash(step, "before")
        result = await super().execute_activity(input)
        self._crashes.crash(step, "after")
        return result


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", ["record", "proceed", "request_child", "notify_overdue"])
async def test_crash_at_any_step_does_not_change_the_result(
    harness: Harness, service: Client, step: str, moment: str
) -> None:
    """One run through all steps: recorded by signal, requested, overdue, linked explicitly."""
    harness.channels.silent = True
    crash = CrashesOnce(step, moment)
    async with harness.running(interceptors=[crash]):
        assert await signal_facts(harness, service, [event("GroupCreated", "g1", name="g1")])
        await harness.wait_until_waiting("group_channel", "g1")

        async def requests() -> int:
            return len(harness.channels.requests)

        await eventually(requests)
        await harness.skip("group_channel", "g1", A_DAY)
        await harness.wait_for_facts("RelationshipOverdue")
        await harness.wait_for_end("group_channel", "g1")
        await harness.record(event("ChannelCreated", "c1", name="c"))
        await harness.wait_for_operation(await harness.link("group_channel", "g1", "c1"), "done")
        await harness.wait_for_facts(LINKED)
        await harness.wait_until_at_rest()
        await harness.wait_for_end("group_channel", "g1")
    assert crash.crashed
    assert len(harness.channels.attempts()) == 1
    for fact in ("GroupCreated", "RelationshipOverdue", "Linked", LINKED):
        assert len(await harness.facts(fact)) == 1
    assert await harness.links("group_channel") == {"c1": "g1"}


@pytest.mark.slow
@pytest.mark.faults
async def test_another_worker_continues_after_a_kill(
    harness: Harness, server: TemporalServer, database_url: str
) -> None:
    """The first worker is killed after it announced the link and before Temporal has the result."""
    async with harness.dispatching():
        killed = forked.start(killed_worker.main, database_url, server.address, harness.tenant)
        await harness.record(event("GroupCreated", "g1", name="g1"))
        await harness.wait_until_waiting("group_channel", "g1")
        await harness.record(event("ChannelCreated", "c1", correlation=encode("group_channel", "g1"), name="c"))
        assert await forked.exit_code(killed) == 9
        assert len(await harness.facts(LINKED)) == 1
        async with harness.worker():
            await harness.wait_for_end("group_channel", "g1", 60)
            await harness.wait_until_at_rest()
    assert len(await harness.facts(LINKED)) == 1
