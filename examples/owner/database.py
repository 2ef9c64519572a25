"""One SQLite file per service.

Endpoints are plain functions, which FastAPI runs on threads. All of them write through one connection under a lock:
SQLite has one writer at a time, so a pool would only move the queue. Transactions that wait for the lock share one
commit with the transaction that holds it (group commit), because writing a commit to the disk is by far the most
expensive part of a command. Reads use a second connection, so that they see committed data only.

Code that runs on the event loop (the relay) calls the database through ``asyncio.to_thread``.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import TypeAlias

Transaction: TypeAlias = sqlite3.Connection
"""A connection inside ``Database.transaction()``: all that is written through it is committed, or nothing is."""

TOGETHER = 64
"""Most transactions in one commit: the first of them waits for the last."""

_ON_DISK = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;  -- WAL's default may lose the last commits when the machine dies
"""


class _Commit:
    """One commit of several transactions. ``done`` is set once it is on disk, or has failed with ``error``."""

    def __init__(self) -> None:
        self.transactions = 0
        self.error: sqlite3.Error | None = None
        self.done = Event()


class Database:
    """The database of one service. ``schemas``: scripts that may run again (``IF NOT EXISTS``)."""

    def __init__(self, path: Path, *schemas: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writing, self._reading, self._counting = Lock(), Lock(), Lock()
        self._writers = 0  # threads that wait to write
        self._commit: _Commit | None = None  # open while further transactions may join it
        self._listeners: list[Callable[[], object]] = []
        self._writer = _connected(path)
        self._writer.executescript(_ON_DISK + "\n".join(schemas))
        self._reader = _connected(path)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Runs the block in a transaction, which is on disk once the block is left. Must not be nested.

        Raises sqlite3.OperationalError if the commit failed, for any of the transactions in it.
        """
        self._await_turn()
        try:
            commit = self._commit = self._commit or self._begin()
            try:
                self._writer.execute("SAVEPOINT this")
                yield self._writer
                self._writer.execute("RELEASE this")
            except BaseException:
                self._undo(commit)
                raise
            finally:
                commit.transactions += 1
                if not self._writers or commit.transactions >= TOGETHER:
                    self._finish(commit)
        finally:
            self._writing.release()
        commit.done.wait()
        if commit.error is not None:
            raise sqlite3.OperationalError(f"Nothing was written: {commit.error}") from commit.error

    def read(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Rows of one ``SELECT``, which sees committed data only."""
        with self._reading:
            return self._reader.execute(query, values).fetchall()

    @contextmanager
    def on_commit(self, listener: Callable[[], object]) -> Iterator[None]:
        """Calls ``listener`` after each commit while the block runs, on the committing thread; it must not write."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def close(self) -> None:
        """Finishes the open commit, if there is one, and closes the file."""
        with self._writing, self._reading:
            if self._commit is not None:
                self._finish(self._commit)
            self._reader.close()
            self._writer.close()

    def _await_turn(self) -> None:
        with self._counting:
            self._writers += 1
        try:
            self._writing.acquire()
        finally:
            with self._counting:
                self._writers -= 1

    def _begin(self) -> _Commit:
        self._writer.execute("BEGIN IMMEDIATE")
        return _Commit()

    def _undo(self, commit: _Commit) -> None:
        """Rolls back this transaction alone, unless SQLite has rolled back the others too (on a full disk it does)."""
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK TO this")
            self._writer.execute("RELEASE this")
        else:
            commit.error = sqlite3.OperationalError("another transaction of the same commit failed")
            self._finish(commit)

    def _finish(self, commit: _Commit) -> None:
        if commit.done.is_set():
            return
        self._commit = None
        try:
            if commit.error is None:
                self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            commit.error = error
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        finally:
            commit.done.set()
        if commit.error is None:
            for notify in tuple(self._listeners):
                notify()


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection
