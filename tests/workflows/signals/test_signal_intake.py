"""Services signal their facts straight to a workflow, from their own Temporal client or from the command line."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RawValue

from devstack.temporal_server import TemporalServer
from facts.correlation import encode
from messages.relationship import workflow_id
from store.db import credentials
from store.db.pool import connection
from tests.support.events import Event, event
from tests.support.harness import Harness

pytestmark = pytest.mark.stack

GROUP = event("GroupCreated", "g1", name="Rowing")
CHANNEL = event("ChannelCreated", "c1", name="Rowing")


@pytest.fixture
async def service(server: TemporalServer) -> Client:
    """A client as a service has it: without Tether's code, only with names and JSON."""
    return await Client.connect(server.address)


async def signal(
    harness: Harness, service: Client, name: str, *facts: Any, relationship: str = "group_channel", parent: str = "g1"
) -> None:
    """Signals facts by signal-with-start, as a service does."""
    await service.start_workflow(
        "RelationshipWorkflow",
        {"tenant": harness.tenant, "relationship": relationship, "parent": parent},
        id=workflow_id(harness.instance(relationship, parent)),
        task_queue=harness.tenant,
        start_signal=name,
        start_signal_args=facts,
    )


async def test_signalled_parent_fact_leads_to_a_link(running_harness: Harness, service: Client) -> None:
    harness = running_harness
    await signal(harness, service, "GroupCreated", GROUP)
    (announced,) = await harness.wait_for_facts("GroupChannelLinked")
    assert announced["data"]["parent"] == "g1"
    (recorded,) = await harness.facts("GroupCreated")
    assert (recorded["source"], recorded["id"], recorded["data"]) == ("/groups", GROUP["id"], {"name": "Rowing"})
    await harness.wait_until_at_rest()
    assert (await harness.result("group_channel", "g1"))["state"] == "complete"
    actors = await harness.pool.fetch("select distinct actor from revisions where tenant = $1", harness.tenant)
    assert {row["actor"] for row in actors} == {"signal", "test", "workflow"}


async def test_signalled_child_fact_is_linked_to_the_workflows_parent(
    running_harness: Harness, service: Client
) -> None:
    harness = running_harness
    harness.channels.silent = True
    await signal(harness, service, "GroupCreated", GROUP)
    await harness.wait_until_waiting("group_channel", "g1")
    await signal(harness, service, "ChannelCreated", CHANNEL)
    await harness.wait_for_facts("GroupChannelLinked")
    assert await harness.links("group_channel") == {"c1": "g1"}
    (linked,) = await harness.facts("Linked")
    assert linked["data"] == {"relationship": "group_channel", "parent": "g1"}
    await harness.wait_until_at_rest()


async def test_child_fact_may_be_signalled_before_its_parents(running_harness: Harness, service: Client) -> None:
    harness = running_harness
    await signal(harness, service, "ChannelCreated", CHANNEL)
    wait = await harness.wait_until_waiting("group_channel", "g1")
    assert wait["missing"] == "parent"
    await signal(harness, service, "GroupCreated", GROUP)
    await harness.wait_for_facts("GroupChannelLinked")
    await harness.wait_until_at_rest()
    assert not harness.channels.requests


async def test_correlation_id_wins_over_the_signalled_workflow(running_harness: Harness, service: Client) -> None:
    harness = running_harness
    await signal(harness, service, "ChannelCreated", {**CHANNEL, "correlationid": encode("group_channel", "g2")})
    await harness.wait_until_waiting("group_channel", "g2")
    assert await harness.links("group_channel") == {"c1": "g2"}
    assert not await harness.facts("Linked")


async def test_same_fact_by_signal_and_http_is_recorded_once(running_harness: Harness, service: Client) -> None:
    harness = running_harness
    await harness.record(GROUP)
    await signal(harness, service, "GroupCreated", GROUP)
    await signal(harness, service, "GroupCreated", GROUP)
    await harness.wait_for_facts("GroupChannelLinked")
    await harness.wait_until_at_rest()
    assert len(await harness.facts("GroupCreated")) == 1


async def test_field_names_the_parent_in_any_signalled_workflow(running_harness: Harness, service: Client) -> None:
    harness = running_harness
    item = event("ItemAdded", "i1", name="x", category="books")
    await signal(harness, service, "ItemAdded", item, relationship="category_item", parent="books")
    await signal(harness, service, "CategoryAdded", event("CategoryAdded", "books", name="Books"),
                 relationship="category_item", parent="books")  # fmt: skip
    await harness.wait_until_at_rest()
    await harness.wait_for_facts("CategoryAdded")
    assert await harness.links("category_item") == {"i1": "books"}


BROKEN: list[tuple[str, Any, str]] = [
    ("GroupRenamed", GROUP, "the signal GroupRenamed carries a GroupCreated"),
    ("GroupCreated", {**GROUP, "id": None}, "id: is missing"),
    ("GroupCreated", {**GROUP, "specversion": "0.3"}, 'specversion: must be "1.0"'),
    ("GroupCreated", {**GROUP, "data": {"name": 5}}, "breaks GroupCreated.v1: name: Input should be a valid string"),
    ("GroupExploded", {**GROUP, "type": "GroupExploded.v1"}, "unknown type: no contract declares GroupExploded.v1"),
    ("GroupCreated", {**GROUP, "data": {"name": "a\x00b"}}, "a text holds a NUL character"),
    ("GroupCreated", {**GROUP, "source": "/tether"}, "source /tether is Tether's own"),
    ("GroupCreated", "just words", "event: is no JSON object"),
    ("GroupCreated", None, "event: is no JSON: "),
    ("GroupCreated", RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b'{"a":1e400}')), "specversion: "),
    ("GroupCreated", RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b'{"\\ud800')), "event: is no JSON"),
    ("GroupCreated", RawValue(Payload(metadata={"encoding": b"odd"}, data=b"\xff\x00")), "event: is no JSON"),
    ("GroupCreated", RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"[" * 100_000)), "nested too deep"),
]


async def test_bad_signals_are_quarantined_and_the_workflow_goes_on(running_harness: Harness, service: Client) -> None:
    harness = running_harness
    harness.channels.silent = True
    await signal(harness, service, "GroupCreated", GROUP)
    await harness.wait_until_waiting("group_channel", "g1")
    for name, fact, _ in BROKEN:
        await signal(harness, service, name, fact)
    await signal(harness, service, "GroupCreated")  # no argument at all
    await signal(harness, service, "ChannelCreated", CHANNEL, "and more than one")
    await harness.wait_for_facts("GroupChannelLinked")
    reasons = await harness.quarantined()
    assert len(reasons) == len(BROKEN)  # null and nothing at all look the same
    for reason, (_, _, expected) in zip(reasons, BROKEN, strict=True):
        assert reason.startswith(expected)
    (recorded,) = await harness.facts("GroupCreated")
    assert recorded["data"] == {"name": "Rowing"}
    await harness.wait_until_at_rest()


async def test_workflow_of_unknown_relationship_fails_and_quarantines_facts(
    running_harness: Harness, service: Client
) -> None:
    harness = running_harness
    await signal(harness, service, "GroupCreated", GROUP, relationship="group_chanel")
    with pytest.raises(WorkflowFailureError) as failure:
        await harness.result("group_chanel", "g1")
    assert "no relationship 'group_chanel'" in str(failure.value.cause)
    (reason,) = await harness.quarantined()
    assert reason.startswith("no relationship 'group_chanel'")


@pytest.mark.parametrize("parent", ["", "x" * 600, "a\x00b"])
async def test_workflow_with_impossible_parent_fails(running_harness: Harness, service: Client, parent: str) -> None:
    harness = running_harness
    await service.start_workflow(
        "RelationshipWorkflow",
        {"tenant": harness.tenant, "relationship": "group_channel", "parent": parent},
        id=harness.tenant,
        task_queue=harness.tenant,
    )
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(service.get_workflow_handle(harness.tenant).result(), 30)


async def test_workflow_of_unknown_tenant_fails(running_harness: Harness, service: Client) -> None:
    harness = running_harness
    await give_keys(harness, "someone-else")
    await signal(harness, service, "GroupCreated", GROUP)
    with pytest.raises(WorkflowFailureError) as failure:
        await harness.result("group_channel", "g1")
    assert "no tenant" in str(failure.value.cause)
    assert not await harness.facts("GroupCreated")


async def give_keys(harness: Harness, *tenants: str) -> None:
    async with connection(harness.pool) as conn:
        for tenant in tenants:
            await credentials.create(conn, tenant, "reader", "read")


@pytest.mark.parametrize(
    ("tenants", "mode", "is_open"),
    [
        (1, "auto", True),
        (2, "auto", False),
        (2, "open", True),
        (1, "closed", False),
    ],
)
async def test_signal_intake_is_open_for_a_single_tenant_by_default(
    harness: Harness, service: Client, tenants: int, mode: str, is_open: bool
) -> None:
    harness.channels.silent = True
    await give_keys(harness, *[harness.tenant, "another"][:tenants])
    async with harness.running(signal_intake=mode):
        await signal(harness, service, "GroupCreated", GROUP)
        if is_open:
            await harness.wait_until_waiting("group_channel", "g1")
            assert not await harness.quarantined()
        else:
            assert (await harness.result("group_channel", "g1"))["state"] == "over"
            (reason,) = await harness.quarantined()
            assert "TETHER_SIGNAL_INTAKE=open" in reason
        assert len(await harness.facts("GroupCreated")) == is_open


async def signal_by_command(server: TemporalServer, harness: Harness, name: str, fact: Event) -> None:
    """Runs the command of README, with another task queue and tenant."""
    command = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("temporal")),
        *("workflow", "signal-with-start"),
        *("--type", "RelationshipWorkflow", "--task-queue", harness.tenant),
        *("--workflow-id", f"{harness.tenant}/group_channel/g1"),
        *("--input", json.dumps({"tenant": harness.tenant, "relationship": "group_channel", "parent": "g1"})),
        *("--signal-name", name, "--signal-input", json.dumps(fact)),
        env=dict(server.environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await command.communicate()
    assert command.returncode == 0, output.decode()


async def test_temporal_command_line_starts_and_signals(running_harness: Harness, server: TemporalServer) -> None:
    harness = running_harness
    harness.channels.silent = True
    await signal_by_command(server, harness, "GroupCreated", GROUP)
    await harness.wait_until_waiting("group_channel", "g1")
    await signal_by_command(server, harness, "ChannelCreated", CHANNEL)
    (announced,) = await harness.wait_for_facts("GroupChannelLinked")
    assert announced["data"] == {"relationship": "group_channel", "parent": "g1", "child": "c1"}
    await harness.wait_until_at_rest()
