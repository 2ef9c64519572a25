"""Keeps parts running: starts them in order, restarts those that die, stops them in reverse order."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devstack.errors import PartFailed, how_it_ended
from devstack.part import RunningProcess, StackProcess

Report = Callable[[str], None]


@dataclass(frozen=True)
class RestartLimit:
    """A part may die fewer than `deaths` times in `within` seconds. Delays are in seconds."""

    deaths: int = 5
    within: float = 60.0
    first_delay: float = 0.25
    """Delay before the first restart; doubled for each further death, up to `last_delay`."""
    last_delay: float = 8.0


class Supervisor:
    """Starts, restarts and stops parts.

    `report` is called with a line for each death and each successful restart, `changed` with the pids by name after
    each start.
    """

    def __init__(
        self,
        report: Report,
        *,
        restart_limit: RestartLimit | None = None,
        changed: Callable[[Mapping[str, int]], None] | None = None,
    ) -> None:
        self._report = report
        self._restart_limit = restart_limit or RestartLimit()
        self._changed = changed
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, RunningProcess] = {}

    @property
    def pids(self) -> Mapping[str, int]:
        """Name of each part → process id of its last start."""
        return {name: running.pid for name, running in self._running.items()}

    async def start(self, part: StackProcess) -> None:
        """Starts a part, waits until it is ready, and restarts it from then on when it dies.

        Raises PartFailed when this part, or one started before, died too often, and the StackError of its preparation.
        """
        ready = asyncio.Event()
        self._tasks[part.name] = asyncio.create_task(self._keep(part, ready), name=part.name)
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait({waiting, *self._tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
            self._raise_failure()
        finally:
            waiting.cancel()

    async def failure(self) -> None:
        """Waits until a part has died too often, and raises its error; never returns."""
        await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        self._raise_failure()

    async def stop(self) -> None:
        """Stops all parts in reverse order, each with its stop signals, and waits for their end."""
        for task in reversed(self._tasks.values()):
            task.cancel()
            await asyncio.wait({task})
        self._tasks.clear()

    def kill(self) -> None:
        """Sends SIGKILL to every part, for an immediate shutdown. `stop` must still be called."""
        for running in self._running.values():
            running.kill()

    def _raise_failure(self) -> None:
        for task in self._tasks.values():
            if task.done():
                task.result()

    async def _keep(self, part: StackProcess, ready: asyncio.Event) -> None:
        deaths: deque[float] = deque(maxlen=self._restart_limit.deaths)
        while True:
            started = _now()
            running = await RunningProcess.start(part)
            self._note(running)
            try:
                await self._until_ready(running, again=ready.is_set(), started=started)
                if running.alive:
                    ready.set()
                how = how_it_ended(await running.wait())
            finally:
                await running.stop()
            deaths.append(_now())
            if len(deaths) == self._restart_limit.deaths and deaths[-1] - deaths[0] <= self._restart_limit.within:
                raise PartFailed(part.name, f"died {len(deaths)} times within a minute (last: {how})", part.log)
            delay = self._delay(deaths)
            self._report(f"{part.name} died ({how}); starting it again in {delay:g} s; log: {part.log}")
            await asyncio.sleep(delay)

    async def _until_ready(self, running: RunningProcess, *, again: bool, started: float) -> None:
        name, log = running.part.name, running.part.log
        try:
            await running.until_ready()
        except PartFailed:
            return  # it died; the caller notices and counts it
        except TimeoutError as error:
            what = f"runs but is not ready after {running.part.timeout:g} s"
            if not again:
                raise PartFailed(name, what, log) from error
            # It was ready before, so the cause is probably outside and temporary: a restart would not help.
            self._report(f"{name} {what}; log: {log}")
        else:
            if again:
                self._report(f"{name} is back after {_now() - started:.1f} s")

    def _note(self, running: RunningProcess) -> None:
        self._running[running.part.name] = running
        if self._changed is not None:
            self._changed(self.pids)

    def _delay(self, deaths: deque[float]) -> float:
        recent = sum(1 for death in deaths if deaths[-1] - death <= self._restart_limit.within)
        return float(min(self._restart_limit.first_delay * 2 ** (recent - 1), self._restart_limit.last_delay))


def _now() -> float:
    return asyncio.get_running_loop().time()
