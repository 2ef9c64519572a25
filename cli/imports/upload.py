"""Carries one file to the server: several batches in flight, a bounded number in memory, progress on disk."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Iterator

from cli.imports.lines import Batch
from cli.imports.outcomes import Outcome, Rejected, Tally
from cli.imports.sender import Sender

PERIOD = 1.0  # seconds between two savings


class Carrier:
    """Adds to ``tally`` what has been answered without a gap; batches beyond a gap are held until it closes.

    ``save`` is called about once a second and at the end, however that comes, with the lines rejected since
    the last call; ``show`` after each step with the bytes of the file that are done.
    """

    def __init__(
        self,
        sender: Sender,
        tally: Tally,
        *,
        save: Callable[[list[Rejected]], None],
        show: Callable[[int], None],
        concurrency: int,
    ) -> None:
        self._sender = sender
        self._tally = tally
        self._save = save
        self._show = show
        self._concurrency = concurrency
        self._queue: asyncio.Queue[Batch | Exception] = asyncio.Queue(concurrency)
        self._beyond: dict[int, tuple[Batch, Outcome]] = {}
        self._next = 0
        self._moved = asyncio.Event()
        self._rejected: list[Rejected] = []

    async def carry(self, batches: Iterator[Batch]) -> None:
        """Returns when every line has its answer; raises what reading or sending raised first."""
        self._save_now()  # a place that cannot be written to is better known before than after
        loop = asyncio.get_running_loop()
        # A daemon: it may be blocked in a read of standard input that never ends.
        threading.Thread(target=self._read, args=(batches, loop), name="reader", daemon=True).start()
        try:
            async with asyncio.TaskGroup() as group:
                saving = group.create_task(self._save_now_and_then())
                await self._send_all(group)
                saving.cancel()
        except BaseExceptionGroup as problems:
            raise problems.exceptions[0] from None
        finally:
            self._save_now()

    async def _send_all(self, group: asyncio.TaskGroup) -> None:
        free = asyncio.Semaphore(self._concurrency)
        sent = 0
        while True:
            found = await self._queue.get()
            # The last one goes out alone and after all others, so that its token stands for the whole file.
            if isinstance(found, Exception) or found.last:
                await self._answered(sent)
            if isinstance(found, Exception):
                raise found
            if found.last:
                await self._send(found)
                return
            await free.acquire()
            group.create_task(self._send(found)).add_done_callback(lambda _: free.release())
            sent += 1

    async def _send(self, batch: Batch) -> None:
        self._beyond[batch.index] = batch, await self._sender.send(batch)
        batch.lines = []  # what is held beyond a gap is small
        while self._next in self._beyond:
            done, outcome = self._beyond.pop(self._next)
            self._tally.add(outcome, done.through)
            self._rejected += outcome.rejected
            self._show(done.position)
            self._next += 1
        self._moved.set()

    async def _answered(self, count: int) -> None:
        while self._next < count:
            self._moved.clear()
            await self._moved.wait()

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            self._save_now()

    def _save_now(self) -> None:
        rejected, self._rejected = self._rejected, []
        self._save(rejected)

    def _read(self, batches: Iterator[Batch], loop: asyncio.AbstractEventLoop) -> None:
        """In a thread of its own. Waits while the queue is full; ends when the loop does."""
        try:
            try:
                for batch in batches:
                    self._put(batch, loop)
            except Exception as problem:  # of any kind: it belongs to whoever carries the file
                self._put(problem, loop)
        except (concurrent.futures.CancelledError, RuntimeError):
            return  # the loop is gone, and with it everyone who would want more

    def _put(self, found: Batch | Exception, loop: asyncio.AbstractEventLoop) -> None:
        work = self._queue.put(found)
        try:
            asyncio.run_coroutine_threadsafe(work, loop).result()
        finally:
            work.close()
