"""Every key can be named on the command line, in every command with a key, and over HTTP in every path with one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from api.app import create_app
from config import Settings
from store.db import credentials
from store.db.pool import Pool
from tests.cli.conftest import Said
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder
from tests.support.serving import serving

Tether = Callable[..., Said]

KEYS = [
    *("..", ".", "a/b", "//a//", "a/../b", "a/why", "links/x/why", "a/facts", "facts", "/facts"),
    *("a b", " ", "\t", "\n", "a\r\n", "\u200b"),
    *("?", "#", "%", "%2F", "%2e%2e", "%00", "\\"),
    *("-", "--", "--help", "e\u0301", "\U0001f600", "{key}", "\x1b[31m", "x" * 512),
]


ODD = ("..", "%2F", "--help", " ")
"""Keys for the commands that send them in a query or a body."""


def in_no_path(key: str) -> list[tuple[str, ...]]:
    """Returns the commands that send a key in a query or a body."""
    return [
        ("links", "list", "-o", "json", f"--parent={key}", "category_item"),
        ("move", "-o", "json", "--", "event_team", key, key),
        ("plan", "delete", "-o", "json", "--", "team", key),
    ]


def texts(value: Any) -> set[str]:
    """Returns all strings in a JSON value."""
    if isinstance(value, dict | list):
        return {text for part in (value.values() if isinstance(value, dict) else value) for text in texts(part)}
    return {value} if isinstance(value, str) else set()


async def test_every_key_can_be_named_in_every_command(
    tether: Tether, settings: Settings, pool: Pool, facts: FactRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pool.acquire() as conn:
        monkeypatch.setenv("TETHER_KEY", await credentials.create(conn, TENANT, "admin", "admin"))
    for key in KEYS:
        await facts.record(
            event("TeamCreated", key, 1, name=key, event="e"),
            event("ItemAdded", key, 1, name="x", category=key),
        )
    app = create_app(settings)
    async with app.router.lifespan_context(app), serving(app) as served:
        monkeypatch.setenv("TETHER_URL", f"http://127.0.0.1:{served.port}")

        async def run(*words: str) -> Said:
            return await asyncio.to_thread(tether, *words)

        wrong = []
        for key in KEYS:
            for words in (
                ("entities", "get", "-o", "json", "--", "item", key),
                ("entities", "facts", "-o", "json", "--", "item", key),
                ("links", "why", "-o", "json", "--", "category_item", key),
                *(in_no_path(key) if key in ODD else ()),  # before the link ends
                ("links", "unlink", "-o", "json", "--", "category_item", key),
                ("delete", "--yes", "-o", "json", "--", "team", key),
            ):
                said = await run(*words)
                if said.code or key not in texts(said.json):
                    wrong.append((words, said))
        assert wrong == []
