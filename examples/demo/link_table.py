"""A copy of the links of one relationship, in SQLite: `tether.consumer.Copy` in another database than PostgreSQL."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tether.consumer import Json, latest

_SCHEMA = """
create table position (position text not null);
create table links (edition integer, child text, parent text, state text, primary key (edition, child));
"""
_VISIBLE = """
select child, parent, state from links, position where edition = json_extract(position, '$.edition') order by child
"""


class LinkTable:
    """Rows ``(child, parent, state)``, in memory: it outlives the followers that write it, as a database does."""

    def __init__(self) -> None:
        self._database = sqlite3.connect(":memory:", isolation_level=None)
        self._database.executescript(_SCHEMA)

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """What readers see, by child."""
        return self._database.execute(_VISIBLE).fetchall()

    @property
    def edition(self) -> int:
        """The number of the edition that readers see."""
        found = self._database.execute("select json_extract(position, '$.edition') from position").fetchone()
        return 0 if found is None else int(found[0])

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[sqlite3.Connection]:
        """See `tether.consumer.Copy`."""
        with self._database as tx:
            tx.execute("begin")
            yield tx

    async def load(self, tx: sqlite3.Connection) -> str | None:
        """See `tether.consumer.Copy`."""
        found = tx.execute("select position from position").fetchone()
        return None if found is None else str(found[0])

    async def store(self, tx: sqlite3.Connection, position: str) -> None:
        """See `tether.consumer.Copy`."""
        tx.execute("delete from position")
        tx.execute("insert into position values (?)", (position,))

    async def apply(self, tx: sqlite3.Connection, edition: int, items: Sequence[Json]) -> None:
        """See `tether.consumer.Copy`. Facts about links, such as that one is overdue, change no row."""
        links = latest(item for item in items if item["data"].get("change") == "link")
        tx.executemany("delete from links where edition = ? and child = ?", ((edition, child) for child in links))
        rows = (item["data"] for item in links.values() if item["data"]["state"] != "closed")
        tx.executemany(
            "insert into links values (?, ?, ?, ?)",
            ((edition, row["child"], row["parent"], row["state"]) for row in rows),
        )

    async def keep(self, tx: sqlite3.Connection, edition: int) -> None:
        """See `tether.consumer.Copy`."""
        tx.execute("delete from links where edition <> ?", (edition,))
