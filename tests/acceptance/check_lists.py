"""Plays the histories of long lists in a new `tether up`, and counts the rows that each step writes.

`python -m tests.acceptance.check_lists [ELEMENTS]`: an article that lists tags, and a shelf that lists books, 10,000 by
default: whole, whole again, changed in part, element by element, ended, begun again; then the same facts shuffled, some
twice, about other keys. Rows of links that are written have to be those that differ. Takes minutes.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.acceptance.check_data import SEED, Check, show, verified
from tests.support.processes import Running, running

CATALOG = Path(__file__).parents[1] / "support" / "catalogs" / "library"
WRITTEN = """
    select count(*) filter (where from_revision > $2), count(*) filter (where to_revision > $2 and to_revision < $3)
    from tether.links where tenant = 'main' and relationship = $1
"""
LISTED = "select child, parent from tether.links where tenant = 'main' and relationship = $1 and to_revision = $2"
REVISION = "select revision from tether.tenant_revisions where tenant = 'main'"
OPEN = 2**63 - 1
REPEATED = 0.1


@dataclass(frozen=True)
class ListedKind:
    """Names of the facts about one kind that lists another. ``place``: of the side that lists in (child, parent)."""

    relationship: str
    field: str
    element: str
    begun: str
    changed: str
    ended: str
    added: str
    removed: str
    place: int


ARTICLE = ListedKind(
    "article_tag", "tags", "tag", "ArticlePublished", "ArticleEdited", "ArticleWithdrawn", "ArticleTagged",
    "ArticleUntagged", 0,
)  # fmt: skip
SHELF = ListedKind(
    "shelf_book", "books", "book", "ShelfBuilt", "ShelfArranged", "ShelfRemoved", "BookPlaced", "BookTaken", 1
)


@dataclass
class History:
    """The facts about one entity with a list, and the elements that it lists after them."""

    kind: ListedKind
    key: str
    elements: set[str] = field(default_factory=set)
    facts: list[dict[str, Any]] = field(default_factory=list)

    def _fact(self, type: str, **data: Any) -> dict[str, Any]:
        """Adds a fact; returns it."""
        number = len(self.facts) + 1
        self.facts.append(
            {
                "specversion": "1.0",
                "source": "/library",
                "type": f"{type}.v1",
                "id": f"{self.kind.relationship}/{self.key}/{number}",
                "subject": self.key,
                "sequence": str(number),
                "data": data,
            }
        )
        return self.facts[-1]

    def lists(self, type: str, elements: set[str] | None) -> list[dict[str, Any]]:
        """A fact that carries the whole list."""
        self.elements = set(elements or ())
        return [self._fact(type, **{self.kind.field: None if elements is None else sorted(elements)})]

    def each(self, added: Sequence[str], removed: Sequence[str]) -> list[dict[str, Any]]:
        """Facts about single elements."""
        self.elements = (self.elements | {*added}) - {*removed}
        return [self._fact(self.kind.added, **{self.kind.element: key}) for key in added] + [
            self._fact(self.kind.removed, **{self.kind.element: key}) for key in removed
        ]


def steps(history: History, count: int, draw: random.Random) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yields (what happens, its facts), one after the other; ``count``: elements of the list."""
    kind, all_keys = history.kind, [f"e{n:06}" for n in range(count + count // 5)]
    yield "the whole list", history.lists(kind.begun, {*all_keys[:count]})
    yield "the same list again", history.lists(kind.changed, history.elements)
    less, more = set(draw.sample(sorted(history.elements), 10)), set(all_keys[count : count + 10])
    yield "the list with 10 others", history.lists(kind.changed, (history.elements - less) | more)
    new, old = all_keys[-(count // 10) :], draw.sample(sorted(history.elements), count // 10)
    yield f"{len(new) + len(old):,} single elements", history.each(new, old)
    yield "the same single elements again", history.each(new, old)
    changes: list[dict[str, Any]] = []
    for _ in range(20):
        some = set(draw.sample(sorted(history.elements), count // 100))
        changes += history.lists(kind.changed, (history.elements - some) | set(draw.sample(all_keys, count // 100)))
    yield "20 lists, one after the other", changes
    yield "null in the place of the list", history.lists(kind.changed, None)
    yield "the whole list again", history.lists(kind.changed, {*all_keys[:count]})


async def main(count: int, console: Console) -> bool:
    """Plays both kinds; returns whether all checks hold. ``count``: elements of a list."""
    checks: list[Check] = []
    with tempfile.TemporaryDirectory(prefix="tether-") as name:
        here = Path(name)
        here.chmod(0o711)
        limit = {"TETHER_LIMITS__FACT": str(64 * count)} if count > 10_000 else {}
        async with running(here, TETHER_CATALOG=str(CATALOG), **limit) as stack:
            for kind in (ARTICLE, SHELF):
                history = History(kind, "ordered")
                checks += await in_order(stack, history, count, console)
                checks += await shuffled(stack, history, console)
            checks.append(Check("verify --rebuild", 0, await verified(stack, console)))
    return show(checks, console)


async def in_order(stack: Running, history: History, count: int, console: Console) -> list[Check]:
    """Plays the steps, and compares the rows that each wrote with the elements that differ."""
    kind = history.kind
    table = Table("step", "facts", "differ", "opened", "closed", "revisions", "seconds", title=kind.relationship)
    checks = []
    for what, facts in steps(history, count, random.Random(SEED)):
        before, revision = await listed(stack, history), await newest(stack)
        seconds = await take(stack, facts)
        after = await listed(stack, history)
        opened, closed = await written(stack, history, revision)
        differ = len(before ^ after)
        revisions = await newest(stack) - revision
        table.add_row(
            what, f"{len(facts):,}", f"{differ:,}", f"{opened:,}", f"{closed:,}", str(revisions), f"{seconds:.2f}"
        )
        if len(facts) == 1 or "elements" in what:
            checks.append(Check(f"{kind.relationship}: {what}, rows", differ, opened + closed))
        if not differ and len(facts) == 1:
            checks.append(Check(f"{kind.relationship}: {what}, revisions", 0, revisions))
    console.print(table)
    checks.append(Check(f"{kind.relationship}: elements", len(history.elements), len(await listed(stack, history))))
    return checks


async def shuffled(stack: Running, history: History, console: Console) -> list[Check]:
    """Plays the same facts about another key, in another order, some twice."""
    other, draw = History(history.kind, "shuffled", history.elements), random.Random(SEED)
    facts = [fact | {"subject": other.key, "id": f"{other.key}/{fact['id']}"} for fact in history.facts]
    facts += draw.sample(facts, round(len(facts) * REPEATED))
    draw.shuffle(facts)
    console.print(f"{len(facts):,} facts shuffled, in {await take(stack, facts):.1f} s")
    wrong = history.elements ^ await listed(stack, other)
    return [Check(f"{history.kind.relationship}: shuffled, other elements", 0, len(wrong))]


async def take(stack: Running, facts: Sequence[dict[str, Any]]) -> float:
    """Imports facts with the command-line tool; returns the seconds that it took."""
    file = stack.data / f"facts{time.monotonic_ns()}.ndjson"
    file.write_text("".join(f"{json.dumps(fact)}\n" for fact in facts))
    importing = stack.tether("import", str(file), "-o", "json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await asyncio.to_thread(importing.communicate)
    if importing.returncode:
        raise SystemExit(err.decode())
    return float(json.loads(out)["seconds"])


async def newest(stack: Running) -> int:
    """The newest revision."""
    rows = await stack.database(REVISION)
    return int(rows[0][0]) if rows else 0


async def listed(stack: Running, history: History) -> set[str]:
    """The elements that are linked with the entity."""
    rows = await stack.database(LISTED, history.kind.relationship, OPEN)
    return {row[1 - history.kind.place] for row in rows if row[history.kind.place] == history.key}


async def written(stack: Running, history: History, revision: int) -> tuple[int, int]:
    """(rows of links that began, rows that ended) after a revision."""
    ((opened, closed),) = await stack.database(WRITTEN, history.kind.relationship, revision, OPEN)
    return int(opened), int(closed)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit("usage: scripts/check-lists [ELEMENTS]")
    elements = int(sys.argv[1]) if len(sys.argv) == 2 else 10_000
    sys.exit(os.EX_OK if asyncio.run(main(elements, Console(width=110))) else 1)
