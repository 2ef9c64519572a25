"""The handshake of CloudEvents' webhooks, and what a sender expects of the deliveries that follow."""

import pytest
from fastapi import FastAPI

from tests.support.posting import ApiCaller, ApiResponse, group

ORIGIN = "eventemitter.example.com"


async def shake_hands(caller: ApiCaller, **headers: str) -> ApiResponse:
    """The response to a validation request without an API key; ``headers``: by their names with underscores."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await caller.ask("OPTIONS", "/v1/events", key=None, headers=given)


@pytest.mark.parametrize(
    "more",
    [{}, {"webhook_request_rate": "120"}, {"webhook_request_callback": "https://sender.example/confirm?key=1"}],
    ids=["origin", "rate", "callback"],
)
async def test_webhook_sender_receives_consent_at_once_without_key(caller: ApiCaller, more: dict[str, str]) -> None:
    answer = await shake_hands(caller, webhook_request_origin=ORIGIN, **more)
    assert answer.status == 200
    assert answer.headers["webhook-allowed-origin"] == ORIGIN
    assert answer.headers["webhook-allowed-rate"] == "*"
    assert "POST" in answer.headers["allow"]
    assert answer.content == ""


@pytest.mark.parametrize("origin", ["*", "a", "127.0.0.1:8080", "eventgrid.azure.net", "https://x.example", "a" * 255])
async def test_consent_names_the_origin_as_it_was_sent(caller: ApiCaller, origin: str) -> None:
    assert (await shake_hands(caller, webhook_request_origin=origin)).headers["webhook-allowed-origin"] == origin


async def test_options_request_that_names_no_origin_receives_no_consent(caller: ApiCaller) -> None:
    answer = await shake_hands(caller, webhook_request_rate="120")
    assert answer.status == 200
    assert "POST" in answer.headers["allow"]
    assert not [name for name in answer.headers if name.startswith("webhook-")]


@pytest.mark.parametrize("origin", ["", "two names", "a" * 256, "zürich.example"])
async def test_origin_that_can_be_no_name_receives_no_consent(caller: ApiCaller, origin: str) -> None:
    answer = await caller.http.options("/v1/events", headers=[(b"webhook-request-origin", origin.encode())])
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert not [name for name in answer.headers if name.startswith("webhook-")]


async def test_consent_replaces_no_key_in_the_deliveries_that_follow(caller: ApiCaller) -> None:
    assert (await caller.event(group(), key="unknown", webhook_request_origin=ORIGIN)).status == 401
    answer = await caller.event(group(), key="publish:groups", webhook_request_origin=ORIGIN)
    assert answer.status == 202
    assert answer.content["accepted"] == 1


async def test_no_path_of_the_api_redirects_to_another_spelling(caller: ApiCaller, app: FastAPI) -> None:
    paths = [path for path in app.openapi()["paths"] if "{" not in path]
    assert "/v1/events" in paths
    for path in paths:
        for method in ("GET", "POST", "OPTIONS"):
            assert (await caller.ask(method, f"{path}/")).slug == "unknown", (method, path)
