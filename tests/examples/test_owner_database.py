"""Group commit: transactions share a commit, and each of them succeeds or fails alone."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from examples.owner.database import TOGETHER, Database, Transaction
from tests.support.eventually import eventually_sync

SCHEMA = """
PRAGMA foreign_keys = ON;
CREATE TABLE IF NOT EXISTS things (name PRIMARY KEY, part_of REFERENCES things DEFERRABLE INITIALLY DEFERRED);
"""
INSERT = "INSERT INTO things VALUES (?, ?)"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "owner.db", SCHEMA)
    yield opened
    opened.close()


def names(database: Database) -> set[str]:
    return {row["name"] for row in database.read("SELECT name FROM things")}


def together(database: Database, *parts: Callable[[Transaction], object]) -> list[Future[None]]:
    """Runs each part in its own transaction; the others wait for the lock while the first one runs."""
    inside, go = threading.Event(), threading.Event()

    def first(tx: Transaction) -> None:
        inside.set()
        assert go.wait(30)
        parts[0](tx)

    def run(part: Callable[[Transaction], object]) -> None:
        with database.transaction() as tx:
            part(tx)

    with ThreadPoolExecutor(len(parts)) as pool:
        futures = [pool.submit(run, first)]
        assert inside.wait(30)
        futures += [pool.submit(run, part) for part in parts[1:]]
        eventually_sync(lambda: database._writers >= len(parts) - 1)
        go.set()
    return futures


def insert(name: str, part_of: str | None = None) -> Callable[[Transaction], object]:
    return lambda tx: tx.execute(INSERT, (name, part_of))


def test_transactions_that_wait_for_the_lock_share_a_commit(database: Database) -> None:
    commits: list[set[str]] = []
    with database.on_commit(lambda: commits.append(names(database))):
        for future in together(database, *(insert(name) for name in "abcdef")):
            future.result()
        with database.transaction() as tx:
            insert("alone")(tx)
    assert commits == [set("abcdef"), {*"abcdef", "alone"}]


def test_commit_has_a_limited_number_of_transactions(database: Database) -> None:
    commits: list[int] = []
    with database.on_commit(lambda: commits.append(len(names(database)))):
        for future in together(database, *(insert(str(number)) for number in range(TOGETHER + 5))):
            future.result()
    assert commits == [TOGETHER, TOGETHER + 5]


def test_uncommitted_rows_are_not_read(database: Database) -> None:
    seen: list[set[str]] = []
    for future in together(database, insert("a"), lambda _: seen.append(names(database))):
        future.result()
    assert seen == [set()]


def test_failed_transaction_is_rolled_back_without_the_others(database: Database) -> None:
    def fail(tx: Transaction) -> None:
        insert("b")(tx)
        raise OSError("half-way")

    good, bad, also_good, last_and_bad = together(database, insert("a"), fail, insert("c"), fail)
    good.result()
    also_good.result()
    for future in (bad, last_and_bad):
        assert isinstance(future.exception(), OSError)
    assert names(database) == {"a", "c"}


def test_failed_commit_raises_in_all_of_its_transactions(database: Database) -> None:
    futures = together(database, insert("a"), insert("b", "nothing"), insert("c"))
    for future in futures:
        assert isinstance(future.exception(), sqlite3.OperationalError)
        assert "Nothing was written: FOREIGN KEY" in str(future.exception())
    assert names(database) == set()
    with database.transaction() as tx:
        insert("d")(tx)
    assert names(database) == {"d"}


def test_rollback_by_sqlite_raises_in_all_transactions_of_the_commit(database: Database) -> None:
    def everything_is_rolled_back(tx: Transaction) -> None:
        insert("b")(tx)
        tx.execute("ROLLBACK")  # as SQLite does by itself on a full disk
        raise sqlite3.OperationalError("database or disk is full")

    before, full, after = together(database, insert("a"), everything_is_rolled_back, insert("c"))
    assert "Nothing was written" in str(before.exception())
    assert "disk is full" in str(full.exception())
    written = {"c"} if after.exception() is None else set()  # it ran after the failed one, or before
    assert names(database) == written
