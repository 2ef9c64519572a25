"""The embedded Temporal."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from httpx2 import AsyncClient
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from devstack.part import RunningProcess
from devstack.ports import free_port
from devstack.temporal_server import SEARCH_ATTRIBUTES, TemporalServer
from devstack.testing import temporary_temporal

pytestmark = pytest.mark.stack


async def test_started_server_has_the_search_attributes_and_the_web_ui() -> None:
    async with temporary_temporal() as server:
        client = await Client.connect(server.address)
        listed = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
        assert set(SEARCH_ATTRIBUTES) <= set(listed.custom_attributes)
        async with AsyncClient(timeout=60) as http:
            assert (await http.get(server.ui_url)).status_code == 200


@pytest.mark.faults
async def test_workflows_in_a_file_outlive_a_kill(folder: Path) -> None:
    for kill in (True, False):
        server = TemporalServer(folder / "temporal.db", free_port(), free_port(), folder / "temporal.log")
        await server.start()
        client = await Client.connect(server.address)
        if kill:
            await client.start_workflow("Waits", id="kept", task_queue="without-worker")
            os.kill(server.pid, signal.SIGKILL)
        else:
            assert (await client.get_workflow_handle("kept").describe()).workflow_type == "Waits"
        await server.stop()


async def test_profile_of_the_user_does_not_reach_the_server(folder: Path) -> None:
    profile = {"TEMPORAL_ADDRESS": "elsewhere:7233", "TEMPORAL_TLS": "true", "TEMPORAL_API_KEY": "secret"}
    profile |= {"TEMPORAL_TLS_SERVER_NAME": "x", "TEMPORAL_NAMESPACE": "production"}
    env = dict(os.environ) | profile
    server = TemporalServer(None, free_port(), free_port(), folder / "temporal.log", env=env)
    await server.start()
    await server.stop()
    assert "TEMPORAL_API_KEY" not in server.environment
    assert server.environment["TEMPORAL_ADDRESS"] == server.address


@pytest.mark.skipif(os.geteuid() != 0, reason="requires the right to become another user")
async def test_server_runs_as_a_user_without_a_name(folder: Path) -> None:
    os.chown(folder, 54_321, 54_321)
    server = TemporalServer(folder / "db", free_port(), free_port(), folder / "log", env={"PATH": os.environ["PATH"]})
    running = await RunningProcess.start(replace(server.part, user="set:54321:54321"))
    try:
        await running.until_ready()
    finally:
        await running.stop()


async def test_extra_arguments_reach_the_server() -> None:
    async with temporary_temporal(extra=("--namespace", "second")) as server:
        client = await Client.connect(server.address, namespace="second")
        assert [workflow async for workflow in client.list_workflows()] == []
