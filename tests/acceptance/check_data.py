"""Imports whole data sets into a new `tether up`: in order, shuffled, and shuffled with kill -9 of every part.

`python -m tests.acceptance.check_data FOLDER`, where FOLDER has events.ndjson.gz and expected.json. Takes minutes.
"""

import asyncio
import contextlib
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from catalog import catalog as catalogs
from catalog.catalog import Catalog
from devstack import processes
from tests.support.eventually import eventually
from tests.support.processes import PARTS, Running, running

SEED, REPEATED = 7, 0.05
KILLED_AT = (0.1, 0.25, 0.4, 0.55, 0.7)
"""Shares of the imported lines after which the parts are killed, one after another."""
MEGABYTE = 1 << 20


@dataclass
class Check:
    """The expected and the actual value of one condition."""

    name: str
    expected: Any
    found: Any

    @property
    def holds(self) -> bool:
        return bool(self.expected == self.found)


async def main(folder: Path, console: Console) -> bool:
    """Imports the data set in each way; returns whether all checks hold. ``folder``: the data set."""
    expected = json.loads((folder / "expected.json").read_text())["final"]
    catalog = catalogs.load()
    good = True
    with tempfile.TemporaryDirectory(prefix="tether-") as name:
        here = Path(name)
        here.chmod(0o711)
        shuffled = here / "shuffled.ndjson.gz"
        count, repeats = shuffle(folder / "events.ndjson.gz", shuffled)
        for title, file, more, killing in (
            ("in causal order", folder / "events.ndjson.gz", 0, False),
            ("shuffled, 5 % twice", shuffled, repeats, False),
            ("shuffled, 5 % twice, kill -9 of every part", shuffled, repeats, True),
        ):
            data = here / title[:8].strip() / str(killing)
            data.mkdir(parents=True)
            data.parent.chmod(0o711)
            data.chmod(0o711)
            console.rule(f"{count + more:,} facts {title}")
            async with running(data) as stack:
                good &= await play(stack, file, (count, more), expected, catalog, killing, console)
    return good


async def play(
    stack: Running,
    file: Path,
    counts: tuple[int, int],
    expected: dict[str, Any],
    catalog: Catalog,
    killing: bool,
    console: Console,
) -> bool:
    """Imports the facts once and checks the result; returns whether all checks hold.

    ``file``: facts to import; ``counts``: (facts, repetitions); ``expected``: precomputed result; ``killing``:
    whether every part is killed once meanwhile.
    """
    before = memory(stack)
    importing = stack.tether("import", str(file), "-o", "json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ended = asyncio.create_task(asyncio.to_thread(importing.communicate))
    if killing:
        await kill_parts(stack, sum(counts), console)
    out, err = await ended
    after = memory(stack)
    if importing.returncode:
        console.print(err.decode())
        return False
    report = json.loads(out)
    console.print(f"{report['seconds']:.1f} s, {report['facts_per_second']:,} facts/s")
    resident(before, after, console)
    checks = [
        Check("accepted and duplicates", sum(counts), report["accepted"] + report["duplicates"]),
        Check("quarantined", 0, report["quarantined"]),
        Check("facts of owners in the ledger", counts[0], await ledger(stack)),
        *([] if killing else [Check("accepted", counts[0], report["accepted"])]),
    ]
    began = time.monotonic()
    hashes = await stack.hashes(catalog)
    console.print(f"all links read over HTTP in {time.monotonic() - began:.1f} s")
    for relationship in catalog.relationships.values():
        if relationship.field in expected["relationships"]:
            want = expected["relationships"][relationship.field]
            checks.append(Check(f"sha256 of {relationship.name}", want["sha256"], hashes[relationship.name]))
    checks.append(Check("verify --rebuild", 0, await verified(stack, console)))
    waiting = {
        r.name: expected["relationships"][r.field]["distinct_parents"]["waiting"]
        for r in catalog.relationships.values()
        if r.field in expected["relationships"]
    }
    checks.append(Check("open workflows", sum(waiting.values()), await at_rest(stack, sum(waiting.values()))))
    return show(checks, console)


def shuffle(source: Path, target: Path) -> tuple[int, int]:
    """Writes all lines in random order, a share of them twice. Returns (number of facts, number of repetitions)."""
    with gzip.open(source) as file:
        facts = file.readlines()
    draw = random.Random(SEED)
    repeated = draw.sample(facts, round(len(facts) * REPEATED))
    mixed = facts + repeated
    draw.shuffle(mixed)
    with gzip.open(target, "wb", compresslevel=1) as file:
        file.writelines(mixed)
    return len(facts), len(repeated)


async def kill_parts(stack: Running, count: int, console: Console) -> None:
    """Kills each part once during the import."""
    for part, share in zip(PARTS, KILLED_AT, strict=True):

        async def reached(wanted: float = count * share) -> bool:
            return progress(stack) >= wanted

        await eventually(reached, seconds=600)
        began = time.monotonic()
        back = await stack.kill(part)
        await eventually(back)
        console.print(f"killed {part} at line {progress(stack):,}; back after {time.monotonic() - began:.1f} s")


def progress(stack: Running) -> int:
    """Number of lines that the import has stored as done."""
    for file in (stack.data / "import").glob("*.json"):
        return int(json.loads(file.read_text())["lines"])
    return 0


async def ledger(stack: Running) -> int:
    """Number of facts of owners in the ledger."""
    return int((await stack.database("select count(*) from facts where source <> '/tether'"))[0][0])


async def verified(stack: Running, console: Console) -> int:
    """The exit code of `tether verify --rebuild`."""
    began = time.monotonic()
    verify = stack.tether("verify", "--rebuild", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out, _ = await asyncio.to_thread(verify.communicate)
    console.print(f"verify --rebuild in {time.monotonic() - began:.1f} s")
    if verify.returncode:
        console.print(out.decode())
    return verify.returncode


async def at_rest(stack: Running, wanted: int) -> int:
    """Number of open workflows once as many waits as ``wanted`` have one and no work is left; at most after 20 min."""

    async def over() -> bool:
        return (await stack.waits_with_workflow()).total() >= wanted

    with contextlib.suppress(AssertionError):  # the check of the number fails in that case
        await eventually(over, seconds=600)
    await stack.at_rest(seconds=600)
    return (await stack.open_workflows()).total()


def memory(stack: Running) -> dict[str, float]:
    """Megabytes by part. Memory that PostgreSQL's processes share is counted once."""
    found = {part: rss({pid}) for part, pid in stack.stack_file["pids"].items() if part != "postgres"}
    return {**found, "postgres": rss(processes.serving(stack.data / "postgres"))}


def rss(pids: set[int]) -> float:
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total / MEGABYTE


def resident(before: dict[str, float], after: dict[str, float], console: Console) -> None:
    table = Table("memory, MB", *after)
    table.add_row("before", *(f"{before[part]:.0f}" for part in after))
    table.add_row("after", *(f"{after[part]:.0f}" for part in after))
    console.print(table)


def show(checks: list[Check], console: Console) -> bool:
    table = Table("", "expected", "found", "")
    for check in checks:
        table.add_row(check.name, str(check.expected)[:16], str(check.found)[:16], "holds" if check.holds else "FAILS")
    console.print(table)
    return all(check.holds for check in checks)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: scripts/check-data FOLDER (with events.ndjson.gz and expected.json)")
    given = Path(sys.argv[1])
    if not (given / "events.ndjson.gz").exists():
        sys.stderr.write(f"SKIPPED: there is no events.ndjson.gz in {given}\n")
        sys.exit(0)
    sys.exit(os.EX_OK if asyncio.run(main(given, Console(width=110))) else 1)
