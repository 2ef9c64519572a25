"""Uploads one file: several requests in flight, a bounded number of batches in memory, progress on disk."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from cli.imports.lines import LineBatch

PERIOD = 1.0  # seconds between two saves


Outcome = TypeVar("Outcome")
Sent = TypeVar("Sent", covariant=True)
Added = TypeVar("Added", contravariant=True)


class SendsBatches(Protocol[Sent]):
    """Sends a batch, and returns the outcome of its lines."""

    async def send(self, batch: LineBatch) -> Sent: ...


class AddedOutcomes(Protocol[Added]):
    """Adds up outcomes, of the batches from the beginning of the file on."""

    def add(self, outcome: Added, through: int) -> None: ...


class Uploader(Generic[Outcome]):
    """Uploads the batches of one file, and adds their outcomes to ``progress`` in the order of the file.

    ``save`` is called about once a second and at the end, also after an error, with the outcomes since the last call;
    ``show`` after each batch with the bytes of the file that are done; ``concurrency``: requests in flight.
    """

    def __init__(
        self,
        sender: SendsBatches[Outcome],
        progress: AddedOutcomes[Outcome],
        *,
        save: Callable[[list[Outcome]], None],
        show: Callable[[int], None],
        concurrency: int,
    ) -> None:
        self._sender = sender
        self._progress = progress
        self._save = save
        self._show = show
        self._concurrency = concurrency
        self._queue: asyncio.Queue[LineBatch | Exception] = asyncio.Queue(concurrency)
        self._out_of_order: dict[int, tuple[LineBatch, Outcome]] = {}
        self._next = 0
        self._moved = asyncio.Event()
        self._unsaved: list[Outcome] = []

    async def upload(self, batches: Iterator[LineBatch]) -> None:
        """Returns when every line has an outcome. Raises the first error of reading or sending."""
        self._save_now()  # fails at once if the progress cannot be saved
        loop = asyncio.get_running_loop()
        # A daemon thread: it may be blocked in a read of standard input that never returns.
        threading.Thread(target=self._read, args=(batches, loop), name="reader", daemon=True).start()
        try:
            async with asyncio.TaskGroup() as group:
                saving = group.create_task(self._save_periodically())
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
            # The last batch is sent alone, after all others, so that its token covers the whole file.
            if isinstance(found, Exception) or found.last:
                await self._all_done(sent)
            if isinstance(found, Exception):
                raise found
            if found.last:
                await self._send(found)
                return
            await free.acquire()
            group.create_task(self._send(found)).add_done_callback(lambda _: free.release())
            sent += 1

    async def _send(self, batch: LineBatch) -> None:
        self._out_of_order[batch.index] = batch, await self._sender.send(batch)
        batch.lines = []  # frees memory while the outcome waits for earlier batches
        while self._next in self._out_of_order:
            done, outcome = self._out_of_order.pop(self._next)
            self._progress.add(outcome, done.through)
            self._unsaved.append(outcome)
            self._show(done.position)
            self._next += 1
        self._moved.set()

    async def _all_done(self, count: int) -> None:
        while self._next < count:
            self._moved.clear()
            await self._moved.wait()

    async def _save_periodically(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            self._save_now()

    def _save_now(self) -> None:
        unsaved, self._unsaved = self._unsaved, []
        self._save(unsaved)

    def _read(self, batches: Iterator[LineBatch], loop: asyncio.AbstractEventLoop) -> None:
        """Runs in a thread of its own. Blocks while the queue is full; ends with the event loop."""
        try:
            try:
                for batch in batches:
                    self._put(batch, loop)
            except Exception as problem:  # passed on to the task that uploads the file
                self._put(problem, loop)
        except (concurrent.futures.CancelledError, RuntimeError):
            return  # the event loop has ended

    def _put(self, found: LineBatch | Exception, loop: asyncio.AbstractEventLoop) -> None:
        work = self._queue.put(found)
        try:
            asyncio.run_coroutine_threadsafe(work, loop).result()
        finally:
            work.close()
