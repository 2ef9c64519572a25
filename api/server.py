"""Serves the API in one process. Several processes may run at the same time."""

import asyncio
import ipaddress
import socket
import sys
from contextlib import suppress

import structlog
import uvicorn

import garbage
import logs
from api.app import create_app
from config import Settings
from errors import BadDeclaration
from store.db import credentials
from store.db.pool import create_pool

log = structlog.get_logger()

NOT_STARTED = 3  # the exit code of uvicorn's own command


def run(settings: Settings) -> None:
    """Serves until SIGINT or SIGTERM. Raises BadDeclaration for a bad catalog, or for a public address without keys."""
    logs.configure(settings)
    app = create_app(settings)
    if not _loopback(settings.host):
        asyncio.run(_require_credentials(settings))
    garbage.collect_rarely()
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=5,
            backlog=4096,
            h11_max_incomplete_event_size=64 * 1024,
        )
    )
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(NOT_STARTED)


class _Server(uvicorn.Server):
    """Ends the waiting of the feed's followers before it waits for open connections."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.dependencies.revisions.release()  # type: ignore[union-attr]  # the application of `run`
        await super().shutdown(sockets)


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
