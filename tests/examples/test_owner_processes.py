"""Owners as processes that are stopped, killed and started again."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from examples.channels.service import CHANNELS
from examples.groups.service import GROUPS
from examples.owner.service import OwnerService
from examples.owner.testing import KEY, OwnerProcess, RecordingTether

COMMANDS = 120
"""More than the connections of a client (100), so that some are not sent yet when the process is killed."""


@pytest.fixture(params=[GROUPS, CHANNELS], ids=lambda owner: owner.source.strip("/"))
def owner(request: pytest.FixtureRequest) -> OwnerService:
    chosen = request.param
    assert isinstance(chosen, OwnerService)
    return chosen


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A bound socket: connections to its port are refused until a server listens on it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@pytest.fixture
def process(owner: OwnerService, tmp_path: Path, listener: socket.socket) -> OwnerProcess:
    module = f"examples.{owner.source.strip('/')}"
    return OwnerProcess(module, tmp_path / "owner.db", f"http://127.0.0.1:{listener.getsockname()[1]}")


@pytest.mark.faults
async def test_facts_committed_before_a_crash_are_published_after_restart(
    owner: OwnerService, process: OwnerProcess, listener: socket.socket, tether: RecordingTether
) -> None:
    async with process:
        for name in ("a", "b", "c"):
            answer = await process.client.post(owner.source, json={"name": name, "id": name})
            assert answer.status_code == 201
        await process.kill()
    async with process:
        assert (await process.client.get("/outbox")).json()["pending"] == 3
        async with tether.listening(listener):
            assert [fact["subject"] for fact in await tether.heard(3)] == ["a", "b", "c"]


@pytest.mark.slow
@pytest.mark.faults
async def test_owner_killed_at_any_moment_has_stored_what_it_answered(
    owner: OwnerService, process: OwnerProcess, listener: socket.socket, tether: RecordingTether
) -> None:
    answers: dict[str, bytes] = {}

    async def command(key: str, enough: asyncio.Event) -> None:
        body, headers = {"name": key, "id": key}, {"Idempotency-Key": key}
        answer = await process.client.post(owner.source, json=body, headers=headers)
        assert answer.status_code == 201
        assert key not in answers or answers[key] == answer.content
        assert key not in answers or answer.headers["idempotent-replayed"] == "true"
        answers[key] = answer.content
        if len(answers) % 20 == 0:
            enough.set()

    async with tether.listening(listener):
        for kill in range(3):
            async with process:
                enough = asyncio.Event()
                keys = [f"{kill}-{number:03}" for number in range(COMMANDS)]
                commands = [asyncio.create_task(command(key, enough)) for key in keys]
                await enough.wait()
                await process.kill()
                failures = [error for error in await asyncio.gather(*commands, return_exceptions=True) if error]
                assert failures, "all commands were answered before the kill"
                assert all(isinstance(error, httpx2.TransportError) for error in failures), failures
        async with process:
            for kill in range(3):
                for number in range(COMMANDS):
                    await command(f"{kill}-{number:03}", asyncio.Event())
            counted = (await process.client.get("/commands")).json()["items"]
            alive = (await process.client.get(owner.source, params={"limit": 1000})).json()["items"]
            facts = await tether.heard(3 * COMMANDS)
    assert {item["effects"] for item in counted} == {1}
    assert sum(item["attempts"] for item in counted) > 3 * COMMANDS
    assert sorted(entity["id"] for entity in alive) == sorted(answers)
    assert sorted(fact["subject"] for fact in facts) == sorted(answers), "one fact each, however often it was sent"


async def test_sigterm_ends_the_owner_with_exit_code_0_without_tether(
    owner: OwnerService, process: OwnerProcess
) -> None:
    async with process:
        await process.client.post(owner.source, json={"name": "a"})
        assert await process.stop() == 0


async def test_sigterm_does_not_wait_for_a_tether_that_never_answers(
    owner: OwnerService, process: OwnerProcess, listener: socket.socket
) -> None:
    listener.listen()
    listener.setblocking(False)
    async with process:
        await process.client.post(owner.source, json={"name": "a"})
        async with asyncio.timeout(30):
            silent, _ = await asyncio.get_running_loop().sock_accept(listener)
        with silent:
            assert await asyncio.wait_for(process.stop(), 8) == 0  # the relay's own timeout is 10 s


async def test_key_is_read_from_a_file_and_a_missing_file_is_reported(
    owner: OwnerService, tmp_path: Path, listener: socket.socket, tether: RecordingTether
) -> None:
    file, port = tmp_path / "key", listener.getsockname()[1]
    module = f"examples.{owner.source.strip('/')}"
    process = OwnerProcess(module, tmp_path / "owner.db", f"http://127.0.0.1:{port}", ("--key-file", str(file)))
    with pytest.raises(RuntimeError, match=r"No such file .*Give a readable --key-file"):
        await process.__aenter__()
    file.write_text(f"{KEY}\n")
    async with tether.listening(listener), process:
        await process.client.post(owner.source, json={"name": "a"})
        await tether.heard(1)
