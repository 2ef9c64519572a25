"""Concurrent requests share transactions, get their own outcomes, and are not affected by disconnects of others."""

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from facts import tokens
from store.db.pool import Pool
from store.write.tenant_lock import lock
from tests.support.eventually import eventually
from tests.support.locks import until_blocked
from tests.support.posting import NDJSON, STRUCTURED, ApiCaller, group, ndjson
from tests.support.serving import Served


async def test_concurrent_facts_share_transactions(caller: ApiCaller) -> None:
    responses = await asyncio.gather(*(caller.event(group(f"g{n:02}")) for n in range(64)))
    assert [(s.status, s.content["accepted"]) for s in responses] == [(202, 1)] * 64
    revisions = {tokens.revision(caller.tenant, s.content["token"]) for s in responses}
    assert max(revisions) == len(revisions) < 32
    assert len(await caller.facts()) == 64


async def test_concurrent_senders_each_get_their_own_outcome(caller: ApiCaller) -> None:
    """Of each fact one is new and two are duplicates; another body is refused, and poison is put aside."""
    copies = [group(f"g{n}") for n in range(12) for _ in range(3)]
    others = [group(f"g{n}", data={"name": "another"}) for n in range(12)]
    poison = [group(f"p{n}", data={}) for n in range(8)]
    await asyncio.gather(*(caller.event(event) for event in copies[:6]))  # the first of them are known already
    responses = await asyncio.gather(*(caller.event(event) for event in (*copies, *poison)))
    assert sum(s.content["accepted"] for s in responses) == 10
    assert sum(s.content["duplicates"] for s in responses) == 26
    assert [len(s.content["quarantined"]) for s in responses[36:]] == [1] * 8
    refused = await asyncio.gather(*(caller.event(event) for event in others))
    assert [s.slug for s in refused] == ["conflict"] * 12


async def test_one_of_concurrent_bodies_under_one_id_is_recorded(caller: ApiCaller) -> None:
    bodies = [f"name {n}" for n in range(16)]
    responses = await asyncio.gather(*(caller.event(group("g", data={"name": body})) for body in bodies))
    assert sorted(s.status for s in responses) == [202] + [409] * 15
    taken = next(body for body, s in zip(bodies, responses, strict=True) if s.status == 202)
    assert (await caller.get("entities/group/g"))["data"] == {"name": taken}


async def test_tokens_of_concurrent_writes_are_readable_at_once(caller: ApiCaller) -> None:
    async def publish_and_read(key: str) -> str:
        token = (await caller.event(group(key))).content["token"]
        state: str = (await caller.get(f"entities/group/{key}", at_least=token, wait=0))["state"]
        return state

    assert set(await asyncio.gather(*(publish_and_read(f"g{n}") for n in range(24)))) == {"live"}


def request(caller: ApiCaller, type: str, length: int) -> bytes:
    key = caller.keys["admin"]
    return (
        f"POST /v1/events HTTP/1.1\r\nHost: tether.test\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {type}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("type", [STRUCTURED, NDJSON])
async def test_client_that_disconnects_midway_does_not_affect_others(
    caller: ApiCaller, served: Served, type: str
) -> None:
    body = json.dumps(group("half")).encode()
    with capture_logs() as logs:
        for length in (len(body) + 10, 1 << 20):
            connection = await served.connect()
            await connection.send(request(caller, type, length) + body[:40])
            connection.reset()
        await served.idle()
    response = await caller.event(group("whole"))
    assert response.status == 202
    assert await caller.facts() == ["whole"]
    assert logs == []


async def test_chunks_sent_before_a_disconnect_are_recorded(caller: ApiCaller, served: Served) -> None:
    lines = ndjson(group(f"g{n:04}") for n in range(1_000))
    connection = await served.connect()
    await connection.send(request(caller, NDJSON, 1 << 30) + lines)

    async def half_are_recorded() -> bool:
        return len(await caller.get("feed", kind="group", limit=1000)) >= 500

    await eventually(half_are_recorded)
    connection.reset()
    await served.idle()
    assert (await caller.lines(*(group(f"g{n:04}") for n in range(1_000)))).status == 202
    assert len(await caller.get("feed", kind="group", limit=1000)) == 1_000


async def test_fact_in_writing_is_recorded_despite_a_disconnect(caller: ApiCaller, served: Served, pool: Pool) -> None:
    await caller.event(group("first"))
    body = json.dumps(group("second")).encode()
    async with pool.acquire() as conn, conn.transaction():
        await lock(conn, caller.tenant)
        connection = await served.connect()
        await connection.send(request(caller, STRUCTURED, len(body)) + body)
        await until_blocked(conn)
        connection.reset()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(served.idle(), 0.05)
    await served.idle()
    assert await caller.facts() == ["first", "second"]


async def test_response_to_too_large_body_precedes_its_end(caller: ApiCaller, served: Served) -> None:
    connection = await served.connect()
    await connection.send(request(caller, STRUCTURED, 1 << 40))
    head, content = await connection.answer()
    assert head.startswith(b"HTTP/1.1 413")
    assert json.loads(content)["type"] == "/problems/too-large"
    assert await connection.ended()
