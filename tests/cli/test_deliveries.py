"""`tether consumers …` about webhooks: what it sends, and what it prints."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Said
from tests.cli.test_consumers import CONSUMER
from tests.support.fake_tether import FakeTether
from tests.support.receivers import SECRET

Tether = Callable[..., Said]
pytestmark = pytest.mark.usefixtures("server")

URL = "https://shop.example/hook"
WEBHOOK = {
    "consumer": "shopping", "url": URL, "batch": 100, "state": "disabled", "reason": "answered 410", "consented": True,
    "failures": 0, "failing_since": None, "retry_at": None, "former_secret_until": None, "failing": 1, "behind": 2,
    "parked": 3, "actor": "ops", "created_at": "2026-01-01T00:00:00Z",
}  # fmt: skip
ITEM = {
    "item": "00AB", "subject": "c1", "state": "parked", "failures": 8, "due": None, "failed_at": None, "status": 500,
    "words": "does not fit",
}  # fmt: skip
ATTEMPT = {
    "number": 7, "at": "2026-01-01T00:00:00Z", "first_item": "00AA", "last_item": "00AB", "items": 2,
    "outcome": "failed", "status": 500, "words": "does not fit", "milliseconds": 12,
}  # fmt: skip


def sent(fake: FakeTether) -> list[tuple[str, str, Any]]:
    return [(method, path, orjson.loads(body) if body else None) for method, path, _, body in fake.requests]


def test_create_with_a_webhook_shows_the_secret_that_was_made(tether: Tether, fake: FakeTether) -> None:
    fake.answers["PUT /v1/consumers/shopping"] = 201, CONSUMER
    fake.answers["PUT /v1/consumers/shopping/webhook"] = 201, {**WEBHOOK, "secret": SECRET}
    said = tether("consumers", "create", "shopping", "--webhook", URL, "--no-consent")
    assert (said.code, URL in said.out, SECRET in said.out, SECRET in said.err) == (0, True, True, False)
    assert "only now" in said.err
    assert sent(fake)[1] == (
        "PUT", "/v1/consumers/shopping/webhook", {"url": URL, "batch": 100, "consent": False},
    )  # fmt: skip


def test_given_secret_is_sent_and_not_shown(tether: Tether, fake: FakeTether) -> None:
    fake.answers["PUT /v1/consumers/shopping/webhook"] = 200, {**WEBHOOK, "secret": None}
    said = tether("consumers", "webhook", "shopping", URL, "--secret", SECRET)
    assert (said.code, SECRET in said.out + said.err) == (0, False)
    assert sent(fake)[0][2] == {"url": URL, "batch": 100, "consent": True, "secret": SECRET}


def test_webhook_deliveries_and_attempts_are_shown(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/consumers/shopping/webhook"] = 200, WEBHOOK
    fake.answers["GET /v1/consumers/shopping/deliveries"] = 200, {"items": [ITEM], "next": None}
    fake.answers["GET /v1/consumers/shopping/attempts"] = 200, {"items": [ATTEMPT]}
    assert all(word in tether("consumers", "webhook", "shopping").out for word in (URL, "disabled", "answered 410"))
    assert all(word in tether("consumers", "deliveries", "shopping").out for word in ("00AB", "parked", "does not fit"))
    assert all(word in tether("consumers", "attempts", "shopping").out for word in ("failed", "500", "does not fit"))


@pytest.mark.parametrize("action", ["redrive", "discard"])
def test_items_are_changed_by_id_or_all(tether: Tether, fake: FakeTether, action: str) -> None:
    fake.answers[f"POST /v1/consumers/shopping/deliveries/{action}"] = 200, {"items": 2}
    assert tether("consumers", action, "shopping", "00AB", "00AC").out.endswith(": 2.\n")
    assert tether("consumers", action, "shopping").code == 0
    assert [body for _, _, body in sent(fake)] == [{"items": ["00AB", "00AC"]}, {}]


def test_resend_replay_enable_and_rotate_send_what_is_given(tether: Tether, fake: FakeTether) -> None:
    path = "/v1/consumers/shopping"
    fake.answers[f"POST {path}/resends"] = 202, {"items": 1}
    fake.answers[f"POST {path}/replays"] = 202, WEBHOOK
    fake.answers[f"POST {path}/webhook/enable"] = 200, WEBHOOK
    fake.answers[f"POST {path}/webhook/secrets"] = 201, {**WEBHOOK, "secret": SECRET}
    assert tether("consumers", "resend", "shopping", "00AB").code == 0
    assert tether("consumers", "replay", "shopping", "--since", "2026-01-01T00:00:00Z").code == 0
    assert tether("consumers", "enable", "shopping").code == 0
    assert SECRET in tether("consumers", "rotate", "shopping", "--grace-seconds", "60").out
    assert sent(fake) == [
        ("POST", f"{path}/resends", {"item": "00AB"}),
        ("POST", f"{path}/replays", {"since": "2026-01-01T00:00:00Z"}),
        ("POST", f"{path}/webhook/enable", None),
        ("POST", f"{path}/webhook/secrets", {"grace_seconds": 60}),
    ]
