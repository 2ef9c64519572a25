"""Imports a large real data set with merges into a new `tether up`, and compares with its precomputed answers.

`python -m tests.acceptance.check_merges FOLDER`, where FOLDER has events.ndjson.gz and expected.json. In their natural
order, also as of the points in between; and shuffled with repetitions, whole and up to each point. Takes minutes.
"""

import asyncio
import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from facts import tokens
from tests.acceptance.check_data import SEED, Check, show, verified
from tests.support.processes import Running, running

CATALOG = Path(__file__).parents[1] / "support" / "catalogs" / "registry"
REPEATED = 0.05
ENTITIES = """
    select key, state from entities e
    where tenant = 'main' and kind = 'organization' and from_revision <= $1 and to_revision > $1 and state <> 'unknown'
      and not exists (select from aliases a where a.tenant = e.tenant and a.kind = e.kind and a.key = e.key
                                              and a.from_revision <= $1 and a.to_revision > $1)
    union all
    select key, 'merged' from aliases
    where tenant = 'main' and kind = 'organization' and from_revision <= $1 and to_revision > $1
"""
MERGES = """
    select key, survivor from aliases
    where tenant = 'main' and kind = 'organization' and from_revision <= $1 and to_revision > $1
"""


async def main(folder: Path, console: Console) -> bool:
    """Imports the data set in each way; returns whether all checks hold. ``folder``: the data set."""
    expected = json.loads((folder / "expected.json").read_text())
    points = {answer["events"]: answer for answer in answers(expected)}
    with gzip.open(folder / "events.ndjson.gz") as file:
        facts = file.readlines()
    with tempfile.TemporaryDirectory(prefix="tether-") as name:
        here = Path(name)
        here.chmod(0o711)
        good = await in_order(here, facts, points, console)
        for count, answer in points.items():
            draw = random.Random(SEED)
            mixed = facts[:count] + draw.sample(facts[:count], round(count * REPEATED))
            draw.shuffle(mixed)
            console.rule(f"the first {count:,} facts, shuffled, 5 % twice")
            async with running(place(here, f"shuffled{count}"), TETHER_CATALOG=str(CATALOG)) as stack:
                await take(stack, mixed, console)
                good &= show([*await compare(stack, answer, None), *await sound(stack, console)], console)
    return good


async def in_order(here: Path, facts: Sequence[bytes], points: dict[int, dict[str, Any]], console: Console) -> bool:
    """Imports the facts in their order, and compares as of each point once all are there."""
    console.rule(f"{len(facts):,} facts in their order")
    async with running(place(here, "ordered"), TETHER_CATALOG=str(CATALOG)) as stack:
        found: dict[int, str] = {}
        done = 0
        for count in sorted(points):
            await take(stack, facts[done:count], console)
            found[count], done = await newest(stack), count
        checks = []
        for count, token in found.items():
            checks += await compare(stack, points[count], token)
        return show([*checks, *await sound(stack, console)], console)


def answers(expected: Any) -> Iterable[dict[str, Any]]:
    """All answers in a file of expected ones, whatever they are called there."""
    if isinstance(expected, dict):
        if "entities_sha256" in expected:
            yield expected
        for value in expected.values():
            yield from answers(value)
    elif isinstance(expected, list):
        for value in expected:
            yield from answers(value)


def place(here: Path, name: str) -> Path:
    """A new folder for a stack."""
    made = here / name
    made.mkdir()
    made.chmod(0o711)
    return made


async def take(stack: Running, facts: Sequence[bytes], console: Console) -> None:
    """Imports facts with the command-line tool."""
    file = stack.data / f"facts{time.monotonic_ns()}.ndjson"
    file.write_bytes(b"".join(facts))
    importing = stack.tether("import", str(file), "-o", "json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await asyncio.to_thread(importing.communicate)
    if importing.returncode:
        raise SystemExit(err.decode())
    report = json.loads(out)
    console.print(f"{len(facts):,} facts in {report['seconds']:.1f} s, {report['facts_per_second']:,} facts/s")


async def newest(stack: Running) -> str:
    """The token of the newest revision."""
    return str((await stack.read("relationships"))["token"])


async def compare(stack: Running, answer: dict[str, Any], token: str | None) -> list[Check]:
    """Compares all that an answer has a hash of. ``token``: of the revision to read; None: the newest."""
    parents = []
    query, more = {"limit": "1000"} if token is None else {"limit": "1000", "as_of": token}, True
    while more:
        page = await stack.read("relationships/organization_parent/links", **query)
        states = {"overdue": "waiting"}
        parents += [
            f"parent|{one['child']}|{one['parent']}|{states.get(one['state'], one['state'])}" for one in page["items"]
        ]
        more = page["next"] is not None
        query["cursor"] = page["next"]
    revision = tokens.revision("main", token or await newest(stack))
    merges = [f"merged|{key}|{survivor}" for key, survivor in await stack.database(MERGES, revision)]
    entities = [f"organization|{key}|{state}" for key, state in await stack.database(ENTITIES, revision)]
    at = f"after {answer['events']:,}"
    return [
        Check(f"parents {at}", answer["relationships"]["parent"]["sha256"], digest(parents)),
        Check(f"merges {at}", answer["merges"]["sha256"], digest(merges)),
        Check(f"entities {at}", answer["entities_sha256"], digest(entities)),
    ]


async def sound(stack: Running, console: Console) -> list[Check]:
    """Whether the tables are what an independent model makes of the ledger."""
    return [Check("verify --rebuild", 0, await verified(stack, console))]


def digest(lines: Iterable[str]) -> str:
    """SHA-256 of lines, sorted by bytes, each ended by a line feed."""
    return hashlib.sha256(b"".join(sorted(f"{line}\n".encode() for line in lines))).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: scripts/check-merges FOLDER (with events.ndjson.gz and expected.json)")
    given = Path(sys.argv[1])
    if not (given / "events.ndjson.gz").exists():
        sys.stderr.write(f"SKIPPED: there is no events.ndjson.gz in {given}\n")
        sys.exit(0)
    sys.exit(os.EX_OK if asyncio.run(main(given, Console(width=110))) else 1)
