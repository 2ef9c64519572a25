"""Deliveries over HTTP: their signatures, the request for consent, and what the answers are taken for."""

import asyncio
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Event

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from errors import Refused
from gateways import webhooks
from gateways.webhook_signatures import check, new_secret
from gateways.webhooks import Delivery, WebhookAnswer, Webhooks, resolve
from tests.support.receivers import OTHER_SECRET, SECRET, Resolver, Wire

BODY = '[{"id": "1", "data": "é 😀"}]'.encode()
URL = "https://receiver.example/hook"


async def deliver(wire: Wire, secrets: Sequence[str] = (SECRET,), *, at: datetime | None = None) -> WebhookAnswer:
    resolver = Resolver({"receiver.example": ["93.184.216.34"]})
    async with Webhooks(resolve=resolver, transport=wire.transport) as webhooks:
        now = at or datetime.now(UTC)
        return await webhooks.deliver(Delivery(URL, "id1", BODY, "application/json", secrets, now))


async def consent(wire: Wire) -> WebhookAnswer:
    resolver = Resolver({"receiver.example": ["93.184.216.34"]})
    async with Webhooks(origin="tether.example", resolve=resolver, transport=wire.transport) as webhooks:
        return await webhooks.request_consent(URL, datetime.now(UTC))


async def test_foreign_verifier_accepts_the_signature() -> None:
    wire = Wire()
    assert (await deliver(wire)).accepted
    (request,) = wire.requests
    assert (request.method, request.headers["webhook-id"], request.content) == ("POST", "id1", BODY)
    assert Webhook(SECRET).verify(request.content, dict(request.headers))[0]["data"] == "é 😀"
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER_SECRET).verify(request.content, dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.content + b" ", dict(request.headers))


async def test_two_secrets_give_two_signatures_and_either_verifies() -> None:
    wire = Wire()
    await deliver(wire, [SECRET, OTHER_SECRET])
    (request,) = wire.requests
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OTHER_SECRET):
        Webhook(secret).verify(request.content, dict(request.headers))


async def test_secrets_that_are_made_verify_and_differ() -> None:
    secrets = {new_secret() for _ in range(20)}
    assert len(secrets) == 20
    for secret in secrets:
        check(secret)
        wire = Wire()
        await deliver(wire, [secret])
        Webhook(secret).verify(wire.requests[0].content, dict(wire.requests[0].headers))


@pytest.mark.parametrize("secret", ["", "abc", "whsec_", "whsec_short", "whsec_!" + "A" * 40, SECRET[6:]])
def test_what_is_no_secret_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(Refused) as refused:
        check(secret)
    assert not secret or secret == "whsec_" or secret not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx2.Response(204), WebhookAnswer(204, "")),
        (httpx2.Response(500, text="out of\norder"), WebhookAnswer(500, "out of order")),
        (httpx2.Response(429, headers={"retry-after": "7"}), WebhookAnswer(429, "", 7.0)),
        (httpx2.Response(400, headers={"webhook-delivery": "Abort-Message"}), WebhookAnswer(400, "", abort=True)),
        (httpx2.Response(500, text=f"I do not know {SECRET}"), WebhookAnswer(500, "I do not know whsec_…")),
        (httpx2.ConnectError("refused"), WebhookAnswer(None, "ConnectError: refused", sent=False)),
        (httpx2.ReadError("broken"), WebhookAnswer(None, "ReadError: broken")),
    ],
)
async def test_answer_holds_status_words_and_what_the_receiver_wants(
    answer: httpx2.Response | Exception, expected: WebhookAnswer
) -> None:
    assert await deliver(Wire(answer)) == expected


async def test_date_in_retry_after_counts_from_the_given_time() -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    later = (at + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert (await deliver(Wire(httpx2.Response(503, headers={"retry-after": later})), at=at)).retry_after == 90


async def test_large_answer_is_cut_and_compressed_one_is_not_read() -> None:
    assert len((await deliver(Wire(httpx2.Response(500, text="x" * 1_000_000)))).words) <= 300
    packed = httpx2.Response(500, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(b"\x1f\x8b"))
    assert (await deliver(Wire(packed))).words == "(compressed)"


@pytest.mark.parametrize("origin", ["*", "tether.example"])
async def test_receiver_consents_by_naming_the_origin_or_all(origin: str) -> None:
    wire = Wire(httpx2.Response(200, headers={"webhook-allowed-origin": origin}))
    assert (await consent(wire)).accepted
    (request,) = wire.requests
    assert (request.method, request.headers["webhook-request-origin"]) == ("OPTIONS", "tether.example")
    assert request.content == b""


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200),
        httpx2.Response(200, headers={"webhook-allowed-origin": "other.example"}),
        httpx2.Response(405, headers={"webhook-allowed-origin": "*"}),
    ],
)
async def test_any_other_answer_is_no_consent(answer: httpx2.Response) -> None:
    assert not (await consent(Wire(answer))).accepted


async def test_own_endpoint_gives_the_consent_that_it_would_need() -> None:
    from fastapi import FastAPI

    from api.routes import webhook_validation

    app = FastAPI()
    app.include_router(webhook_validation.router)
    resolver = Resolver({"receiver.example": ["93.184.216.34"]})
    async with Webhooks(resolve=resolver, transport=httpx2.ASGITransport(app)) as webhooks:
        answer = await webhooks.request_consent("https://receiver.example/events", datetime.now(UTC))
    assert answer.accepted, answer


async def test_name_servers_that_do_not_answer_delay_no_other_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Event()

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[object]:
        if host == "dead.example":
            answered.wait(60)
        return [(0, 0, 0, "", ("93.184.216.34", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    dead = [asyncio.create_task(resolve("dead.example", 443)) for _ in range(60)]
    try:
        await asyncio.sleep(0)
        assert await asyncio.wait_for(resolve("receiver.example", 443), 10) == ["93.184.216.34"]
    finally:
        answered.set()
        await asyncio.gather(*dead)


async def test_client_of_a_host_is_not_closed_while_a_request_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "CONNECTED", 1)
    begun, go = asyncio.Event(), asyncio.Event()

    async def handle(request: httpx2.Request) -> httpx2.Response:
        if request.headers["host"] == "slow.example":
            begun.set()
            await go.wait()
        return httpx2.Response(200)

    def to(host: str) -> Delivery:
        return Delivery(f"https://{host}/", "id", BODY, "application/json", [SECRET], datetime.now(UTC))

    names = ["slow.example", "one.example", "two.example"]
    resolver = Resolver({name: ["93.184.216.34"] for name in names})
    async with Webhooks(resolve=resolver, transport=httpx2.MockTransport(handle)) as sender:
        slow = asyncio.create_task(sender.deliver(to("slow.example")))
        await begun.wait()
        held = sender._clients["https", "slow.example", 443].client
        for name in names[1:]:
            assert (await sender.deliver(to(name))).accepted
        assert not held.is_closed
        assert len(sender._clients) == 1
        go.set()
        assert (await slow).accepted
