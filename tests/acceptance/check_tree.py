"""Deletes a large real tree in a new `tether up`, while folders move and arrive, and checks the end.

`python -m tests.acceptance.check_tree FOLDER [LIVES]`, where FOLDER has events.ndjson.gz, whose facts name a parent of
their own kind. What refers to a parent, and what is referred to, become folders below one new root: all of them, or
about so many, the deepest trees first. Takes minutes.
"""

import asyncio
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from devstack.ports import free_port
from examples.owner.testing import OwnerProcess
from tests.acceptance.check_data import Check, show
from tests.support.eventually import eventually
from tests.support.processes import Running, running
from tests.support.tenants import ARCHIVE
from tests.support.tree_history import Folders, count_facts, history

SEED = 7
ROOT, KEPT = "root", "kept"
MOVED, ARRIVING = 100, 100
"""Folders that are moved into the tree, and as many within it, and that arrive in it, while it is deleted."""
AT_ONCE = 32
TIMEOUT = 1_800.0
"""Seconds after which the check gives up."""
CATALOG = Path(__file__).parents[1] / "support" / "catalogs" / "archive"
MISBEHAVIOUR = {"duplicated": 0.05, "reordered": 0.2, "seed": SEED}


async def main(folder: Path, console: Console, lives: int | None = None) -> bool:
    """Plays the deletion once; returns whether all checks hold. ``folder``: the data set; ``lives``: about so many."""
    tree = deepest(tree_of(folder / "events.ndjson.gz"), lives)
    levels = levels_of(tree)
    console.print(f"{len(tree):,} folders on {len(levels)} levels: {', '.join(f'{n:,}' for n in levels)}")
    with tempfile.TemporaryDirectory(prefix="tether-") as name:
        here = Path(name)
        here.chmod(0o711)
        port = free_port()
        environment = {
            "TETHER_CATALOG": str(CATALOG),
            "TETHER_OWNERS": json.dumps({"archive": f"http://127.0.0.1:{port}"}),
        }
        async with running(here, **environment) as stack:
            options = ("--key", stack.key, "--port", str(port), "--misbehave")
            async with OwnerProcess(
                "tests.support.archive", here / "archive.db", stack.stack_file["urls"]["api"], options
            ) as owner:
                return await play(stack, owner, here / "archive.db", tree, console)


async def play(stack: Running, owner: OwnerProcess, database: Path, tree: Folders, console: Console) -> bool:
    """Creates the tree at its owner, deletes its root, and checks what is left. ``database``: the owner's file."""
    draw = random.Random(SEED)
    await owner.client.put("/misbehaviour", json=MISBEHAVIOUR)
    began = time.monotonic()
    keys = [key for key in tree if key != ROOT]
    draw.shuffle(keys)
    visiting = [f"visitor{n}" for n in range(MOVED)]
    folders = {ROOT: None, KEPT: None, **{key: tree[key] for key in keys}, **dict.fromkeys(visiting, KEPT)}
    await each(owner, ((f"/folder/{key}", {"parent": parent}) for key, parent in folders.items()))
    await until_quiet(stack, database)
    console.print(f"created in random order in {time.monotonic() - began:.1f} s")

    before = history(database)
    began = time.monotonic()
    plan = await preview(stack)
    console.print(f"preview in {time.monotonic() - began:.1f} s")
    tops = [key for key, parent in tree.items() if parent == ROOT]
    leaving = draw.sample(tops, min(50, len(tops) // 10 or 1))
    staying = {key for folder in leaving for key in (folder, *before.folders_below(folder))}
    await each(owner, ((f"/folder/{key}/moves", {"parent": KEPT}) for key in leaving))
    began = time.monotonic()
    (await owner.client.delete(f"/folder/{ROOT}")).raise_for_status()
    await disturb(owner, draw, [key for key in keys if key not in staying], visiting)
    await until_quiet(stack, database)
    took = time.monotonic() - began
    found = history(database)
    commands = await effects(owner)
    console.print(
        f"{found.deleted_by_request:,} lives deleted by {len(commands):,} commands in {took:.1f} s: "
        f"{found.deleted_by_request / took:,.0f} lives/s, {await cascades(stack):,} cascades"
    )
    began = time.monotonic()
    verify = stack.tether("verify", "--rebuild", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out, _ = await asyncio.to_thread(verify.communicate)
    console.print(f"verify --rebuild in {time.monotonic() - began:.1f} s: {out.decode().strip()[-200:]}")
    live = {key for kind, key in found.live if kind == "folder"}
    links = await stack.links(ARCHIVE)
    wanted = sorted(
        f"parent|{key}|{fields['parent']}|linked".encode()
        for (_, key), fields in found.live.items()
        if fields["parent"]
    )
    checks = [
        Check("children in the preview", len(before.below("folder", ROOT)), plan),
        Check("live below a deleted parent", [], found.below_deleted()),
        Check("deleted below live parents", [], found.unjustified),
        Check("commands with an effect, by their number of effects", [0, 1], sorted({0, *commands.values()})),
        Check("commands with an effect", found.deleted_by_request, sum(commands.values())),
        Check("moved out before, and deleted", 0, len(staying - live)),
        Check("links, as the owner has them", True, links["folder_folder"] == wanted),
        Check("verify --rebuild", 0, verify.returncode),
        Check("open operations", 0, await unfinished(stack)),
    ]
    await stack.at_rest(TIMEOUT)
    return show(checks, console)


async def disturb(owner: OwnerProcess, draw: random.Random, doomed: list[str], visiting: list[str]) -> None:
    """Moves folders into and within the tree, and creates some in it, while it is deleted."""
    moves = [(f"/folder/{key}/moves", {"parent": draw.choice(doomed)}) for key in visiting]
    within = draw.sample(doomed, min(MOVED, len(doomed) // 4))
    moves += [(f"/folder/{key}/moves", {"parent": draw.choice(doomed)}) for key in within]
    moves += [(f"/folder/late{n}", {"parent": draw.choice(doomed)}) for n in range(ARRIVING)]
    draw.shuffle(moves)
    for n in range(0, len(moves), AT_ONCE):
        await each(owner, moves[n : n + AT_ONCE], refused=(410,))
        await asyncio.sleep(0.2)  # so that they are spread over the deletion


async def each(owner: OwnerProcess, requests: Iterable[tuple[str, Any]], refused: tuple[int, ...] = ()) -> None:
    """Posts to an owner, a few at once. ``refused``: statuses that are expected as well."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def post(path: str, body: Any) -> None:
        async with slots:
            answer = await owner.client.post(path, json=body)
            assert answer.is_success or answer.status_code in refused, answer.text

    await asyncio.gather(*(post(path, body) for path, body in requests))


async def until_quiet(stack: Running, database: Path) -> None:
    """Waits until Tether has all facts of the owner and nothing is under way."""

    async def quiet() -> bool:
        await asyncio.sleep(0.5)
        (row,) = await stack.database("select count(*) from facts where source = '/archive'")
        return row[0] == count_facts(database) and not await unfinished(stack)

    await eventually(quiet, TIMEOUT)


async def unfinished(stack: Running) -> int:
    """Number of outbox rows and open operations."""
    (row,) = await stack.database("""
        select (select count(*) from outbox)
             + (select count(*) from operations where state in ('waiting', 'requested', 'running'))
    """)
    return int(row[0])


async def cascades(stack: Running) -> int:
    """Number of cascades: one for each deleted folder that had folders below it."""
    return int((await stack.database("select count(*) from operations where workflow = 'cascade'"))[0][0])


async def preview(stack: Running) -> int:
    """Number of children that a plan of the root's deletion concerns."""
    plan = stack.tether("plan", "delete", "folder", ROOT, "-o", "json", stdout=subprocess.PIPE)
    out, _ = await asyncio.to_thread(plan.communicate)
    return sum(part["children"] for part in json.loads(out)["parts"])


async def effects(owner: OwnerProcess) -> dict[str, int]:
    """Returns Idempotency-Key → number of effects of the command, as the owner counted them."""
    found: dict[str, int] = {}
    after = ""
    while items := (await owner.client.get("/commands", params={"after": after})).json()["items"]:
        found |= {item["key"]: item["effects"] for item in items}
        after = items[-1]["key"]
    return found


def tree_of(events: Path) -> Folders:
    """Reads the newest parents; returns a tree of what has a parent or is one, with a new root."""
    newest: dict[str, tuple[int, str | None]] = {}
    with gzip.open(events) as lines:
        for event in map(json.loads, lines):
            sequence = int(event["sequence"])
            if sequence > newest.get(event["subject"], (-1, None))[0]:
                newest[event["subject"]] = sequence, event["data"].get("parent")
    parents = {key: parent for key, (_, parent) in newest.items() if parent is not None}
    return {ROOT: None, **{key: parents.get(key, ROOT) for key in (*parents, *parents.values())}}


def deepest(tree: Folders, lives: int | None) -> Folders:
    """Returns the root with its deepest branches, until there are so many folders; None: with all branches."""
    if lives is None:
        return tree
    below = branches(tree)
    depth_of: dict[str, int] = {}
    found: dict[str, list[str]] = {}
    for top in below[ROOT]:
        level = [top]
        found[top], depth_of[top] = [], 0
        while level:
            found[top] += level
            depth_of[top] += 1
            level = [child for key in level for child in below[key]]
    chosen: Folders = {ROOT: None}
    for top in sorted(found, key=lambda key: (-depth_of[key], key)):
        if len(chosen) < lives:
            chosen |= {key: tree[key] for key in found[top]}
    return chosen


def branches(tree: Folders) -> defaultdict[str | None, list[str]]:
    """Returns folder → the folders in it."""
    below: defaultdict[str | None, list[str]] = defaultdict(list)
    for key, parent in tree.items():
        below[parent].append(key)
    return below


def levels_of(tree: Folders) -> list[int]:
    """Returns the number of folders on each level, the root's first."""
    below, counts = branches(tree), []
    level = below[None]
    while level:
        counts.append(len(level))
        level = [child for key in level for child in below[key]]
    return counts


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: scripts/check-tree FOLDER [LIVES] (with events.ndjson.gz)")
    given = Path(sys.argv[1])
    if not (given / "events.ndjson.gz").exists():
        sys.stderr.write(f"SKIPPED: there is no events.ndjson.gz in {given}\n")
        sys.exit(0)
    sys.exit(os.EX_OK if asyncio.run(main(given, Console(width=110), *map(int, sys.argv[2:]))) else 1)
