"""One SQLite file per service.

Endpoints are plain functions, which FastAPI runs on threads. All of them write through one connection under a
lock, as SQLite has one writer at a time anyway; a pool would only move the queue. What waits for that lock goes to
disk together with what has it: writing a commit to the disk is the dearest part of a command by far, and one
serves for all. Reads have a connection of their own, so that they see what is committed and nothing else.

Code that runs on the event loop (the relay) comes here through ``asyncio.to_thread``.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import TypeAlias

Transaction: TypeAlias = sqlite3.Connection
"""A connection inside ``Database.transaction()``: what is written through it happens or does not, as one."""

TOGETHER = 64
"""Transactions that go to disk in one commit, at most: the first waits for the last."""

_ON_DISK = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;  -- WAL's default may lose the last commits when the machine dies
"""


class _Commit:
    """What goes to disk together. ``done`` once it has, or has failed with ``error``."""

    def __init__(self) -> None:
        self.transactions = 0
        self.error: sqlite3.Error | None = None
        self.done = Event()


class Database:
    """A service's own tables. ``schemas`` are scripts that may run again (``IF NOT EXISTS``)."""

    def __init__(self, path: Path, *schemas: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writing, self._reading, self._counting = Lock(), Lock(), Lock()
        self._coming = 0  # threads that wait to write
        self._commit: _Commit | None = None  # under way, kept open for those who come
        self._listeners: list[Callable[[], object]] = []
        self._writer = _connected(path)
        self._writer.executescript(_ON_DISK + "\n".join(schemas))
        self._reader = _connected(path)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All or nothing, and on disk once the block is left. Not to be nested."""
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
                if not self._coming or commit.transactions >= TOGETHER:
                    self._finish(commit)
        finally:
            self._writing.release()
        commit.done.wait()
        if commit.error is not None:
            raise sqlite3.OperationalError(f"Nothing was written: {commit.error}") from commit.error

    def read(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Rows of one ``SELECT``; never in the middle of somebody's transaction."""
        with self._reading:
            return self._reader.execute(query, values).fetchall()

    @contextmanager
    def on_commit(self, listener: Callable[[], object]) -> Iterator[None]:
        """While the block runs, call ``listener`` after each commit, on the thread of it; it must not write."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def close(self) -> None:
        """Commit what is under way, if anything is, and close the file."""
        with self._writing, self._reading:
            if self._commit is not None:
                self._finish(self._commit)
            self._reader.close()
            self._writer.close()

    def _await_turn(self) -> None:
        with self._counting:
            self._coming += 1
        try:
            self._writing.acquire()
        finally:
            with self._counting:
                self._coming -= 1

    def _begin(self) -> _Commit:
        self._writer.execute("BEGIN IMMEDIATE")
        return _Commit()

    def _undo(self, commit: _Commit) -> None:
        """This transaction alone, if SQLite has not undone the others as well (a full disk makes it do so)."""
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
            for told in tuple(self._listeners):
                told()


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection
