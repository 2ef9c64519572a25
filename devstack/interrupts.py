"""Handles Ctrl-C and other stop signals: the first one cancels the work, later ones speed up the shutdown."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Handles the signals while entered, in the main thread's event loop."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._hurry: Callable[[], None] | None = None
        self._handled: list[signal.Signals] = []

    def __enter__(self) -> Self:
        for number in SIGNALS:
            # Under `nohup` SIGHUP is ignored on purpose.
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
            self._handled.append(number)
        return self

    def __exit__(self, *_: object) -> None:
        for number in self._handled:
            asyncio.get_running_loop().remove_signal_handler(number)

    async def unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Runs `work`; returns whether it ended by itself. A signal cancels it, and its cleanup is awaited."""
        self._task = asyncio.create_task(work)
        try:
            await self._task
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            return False
        return True

    def cleaning_up(self, hurry: Callable[[], None]) -> None:
        """Makes later signals call `hurry` instead of cancelling the work."""
        self._hurry = hurry

    def _on_signal(self) -> None:
        if self._hurry is not None:
            self._hurry()
        elif self._task is not None and not self._stopped:
            self._stopped = True
            self._task.cancel()
