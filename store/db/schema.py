"""Applies the migrations ``migrations/NNNN_name.sql`` in order, each in a transaction of its own.

A migration that was applied must not change afterwards: its SHA-256 is recorded with it, under its name. So no two may
have one number, since which of them comes first would depend on the rest of their names.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from errors import BadDeclaration
from store.db.pool import Connection

_MIGRATIONS = Path(__file__).parent / "migrations"
_SAME_NUMBER = {"0012_contradictions.sql", "0012_former_incarnations.sql"}
"""They were applied under these names before numbers had to differ, and neither needs the other."""
_APPLIED = """
create schema if not exists tether;
create table if not exists tether.migrations (
    name text primary key, digest text not null, applied_at timestamptz not null default now());
"""


async def apply(conn: Connection) -> list[str]:
    """Applies the missing migrations; returns their names. Raises BadDeclaration if an applied one was changed, or two
    have one number."""
    await conn.execute(_APPLIED)
    rows = await conn.fetch("select name, digest from tether.migrations")
    known = {row["name"]: row["digest"] for row in rows}
    applied = []
    for name, text in _files():
        digest = sha256(text.encode()).hexdigest()
        if name not in known:
            await _apply(conn, name, text, digest)
            applied.append(name)
        elif known[name] != digest:
            raise BadDeclaration(
                f"store/db/migrations/{name}", "was changed after it was applied", "Write a new migration instead."
            )
    return applied


def names() -> list[str]:
    """The names of all migrations of this version, in order."""
    return [name for name, _ in _files()]


async def _apply(conn: Connection, name: str, text: str, digest: str) -> None:
    async with conn.transaction():
        await conn.execute(text)
        await conn.execute("insert into tether.migrations (name, digest) values ($1, $2)", name, digest)


def _files() -> Iterator[tuple[str, str]]:
    last = ""
    for file in sorted(_MIGRATIONS.glob("*.sql")):
        if file.name[:4] == last[:4] and {last, file.name} != _SAME_NUMBER:
            raise BadDeclaration(
                f"store/db/migrations/{file.name}", f"has the number of {last}", "Give it the next one."
            )
        yield file.name, file.read_text()
        last = file.name
