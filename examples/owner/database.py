"""One SQLite file per service.

Endpoints are plain functions, which FastAPI runs on threads, and all of them share one connection under a
lock. SQLite has one writer at a time anyway; a pool would only move the queue. Code that runs on the event
loop (the relay) comes here through ``asyncio.to_thread``.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TypeAlias

Transaction: TypeAlias = sqlite3.Connection
"""A connection inside ``Database.transaction()``: what is written through it commits together."""

_ON_DISK = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;  -- WAL's default may lose the last commits when the machine dies
"""


class Database:
    """A service's own tables. ``schemas`` are scripts that may run again (``IF NOT EXISTS``)."""

    def __init__(self, path: Path, *schemas: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        self._listeners: list[Callable[[], object]] = []
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(_ON_DISK + "\n".join(schemas))

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All or nothing, and on disk once the block is left. Not to be nested."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        for told in tuple(self._listeners):
            told()

    def read(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Rows of one ``SELECT``; never in the middle of somebody's transaction."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def on_commit(self, listener: Callable[[], object]) -> Iterator[None]:
        """While the block runs, call ``listener`` after each commit, on the thread that committed."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def close(self) -> None:
        """Wait for the transaction under way, if any, and close the file."""
        with self._lock:
            self._connection.close()
