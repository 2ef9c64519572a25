"""Serves the API in one process. Several processes may run at the same time."""

import asyncio
import gc
import ipaddress

import structlog
import uvicorn

import logs
from api.app import create_app
from config import Settings
from errors import BadDeclaration
from store.db import credentials
from store.db.pool import create_pool

log = structlog.get_logger()

YOUNG_OBJECTS = 20_000
"""Allocations, less those freed, after which young objects are collected: more than a group of facts has in use."""


def run(settings: Settings) -> None:
    """Serves until SIGINT or SIGTERM. Raises BadDeclaration for a bad catalog, or for a public address without keys."""
    logs.configure(settings)
    app = create_app(settings)
    if not _loopback(settings.host):
        asyncio.run(_require_credentials(settings))
    _collect_garbage_rarely()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        backlog=4096,
        h11_max_incomplete_event_size=64 * 1024,
    )


def _collect_garbage_rarely() -> None:
    """Excludes what exists now from garbage collection, and collects after more allocations than by default.

    A batch of facts allocates thousands of objects, which are freed without the collector once it is answered. With the
    default settings they are taken for long-lived ones in the meantime, so that after every few thousand facts the
    collector looks at all objects of the process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _require_credentials(settings: Settings) -> None:
    """Raises BadDeclaration if no credential exists: a server that other hosts can reach must have one."""
    pool = await create_pool(settings.database_url, 2, name="tether api")
    try:
        if not await credentials.any_exist(pool):
            raise BadDeclaration(
                f"TETHER_HOST={settings.host}",
                "is not loopback, and there is no credential",
                "Set TETHER_ADMIN_KEY for `tether migrate`, or listen on 127.0.0.1.",
            )
    finally:
        await pool.close()
