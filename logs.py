"""Structured logs on stderr, and a main function that ends at SIGTERM as it does at Ctrl-C."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import structlog

from config import Settings


def configure(settings: Settings) -> None:
    """Configures logs as text for people or as JSON, as ``log_format`` says."""
    text = settings.log_format == "text"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False) if text else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs ``main`` until it ends, or is cancelled by SIGINT or SIGTERM."""

    async def cancellable() -> None:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await main

    asyncio.run(cancellable())
