"""Quarantines facts of types that no contract declares, adds the contracts, and redrives, with kill -9 of every part.

`python -m tests.acceptance.check_quarantine FACTS`. The state must be that of a Tether that has had the contracts from
the beginning. Takes minutes.
"""

import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from catalog import catalog as catalogs
from tests.acceptance.check_data import SEED, Check, show, verified
from tests.support.eventually import eventually
from tests.support.processes import PARTS, Running, running

CATALOG = Path(__file__).parents[1] / "support" / "catalogs" / "club"
MEMBERS_OF_A_CLUB = 50
SECONDS = 30
"""Time that the redrive takes by its rate, so that all kills are in the middle of it."""
STATE = """
    select md5(string_agg(format('%s %s %s %s', kind, key, state, data), E'\\n' order by kind, key)) as hash,
           count(*) as rows
    from entities where tenant = 'main' and kind in ('club', 'member') and to_revision = 9223372036854775807
"""
ONCE = "select count(*) as events, count(distinct (source, event_id)) as facts from quarantine_run_events"
LEDGER = "select count(*) as facts from facts where tenant = 'main' and source = '/clubs'"


def facts(number: int) -> list[bytes]:
    """Facts about clubs and their members, shuffled: a third of the members move to another club."""
    draw, lines = random.Random(SEED), []
    clubs = max(1, number // (MEMBERS_OF_A_CLUB + MEMBERS_OF_A_CLUB // 3 + 1))

    def add(type: str, key: str, sequence: int, **data: str) -> None:
        event = {"specversion": "1.0", "source": "/clubs", "id": f"{key}-{sequence}", "type": type, "subject": key}
        lines.append(json.dumps({**event, "sequence": str(sequence), "data": data}).encode() + b"\n")

    for club in range(clubs):
        add("ClubFounded.v1", f"c{club}", 1)
    member = 0
    while len(lines) < number:
        add("MemberJoined.v1", f"m{member}", 1, club=f"c{draw.randrange(clubs)}")
        if member % 3 == 0 and len(lines) < number:
            add("MemberChanged.v1", f"m{member}", 2, club=f"c{draw.randrange(clubs)}")
        member += 1
    draw.shuffle(lines)
    return lines


async def main(number: int, console: Console) -> bool:
    """Plays both ways; returns whether they end the same."""
    with tempfile.TemporaryDirectory(prefix="tether-") as name:
        here = Path(name)
        here.chmod(0o711)
        for folder in ("redriven", "direct"):
            (here / folder).mkdir()
            (here / folder).chmod(0o711)
        file = here / "facts.ndjson"
        file.write_bytes(b"".join(facts(number)))
        console.rule(f"{number:,} facts are quarantined")
        async with running(here / "redriven") as stack:
            report = await take(stack, file, console)
            checks = [Check("quarantined", number, report["quarantined"])]
            began = time.monotonic()
            groups = await stack.read("quarantine/groups")
            console.print(f"{len(groups['items'])} groups listed in {1000 * (time.monotonic() - began):.0f} ms")
            checks.append(Check("in groups", number, sum(group["events"] for group in groups["items"])))
        console.rule("redriven by the catalog that declares them, with kill -9 of every part")
        more = {"TETHER_CATALOG": str(CATALOG), "TETHER_QUARANTINE_RATE": str(max(1, number // SECONDS))}
        async with running(here / "redriven", **more) as stack:
            console.print((stack.data / "logs" / "migrate.log").read_text())
            run = await redrive(stack, number, console)
            checks += [Check("accepted", number, run["accepted"]), Check("refused", 0, run["refused"])]
            found = await outcome(stack, console)
            (once,) = await stack.database(ONCE)
            checks += [Check("events of the run", number, once["events"]), Check("each once", number, once["facts"])]
            checks.append(Check("left in quarantine", [], (await stack.read("quarantine"))["items"]))
        console.rule("never quarantined")
        async with running(here / "direct", TETHER_CATALOG=str(CATALOG)) as stack:
            await take(stack, file, console)
            expected = await outcome(stack, console)
        checks += [Check(name, value, found[name]) for name, value in expected.items()]
        return show(checks, console)


async def take(stack: Running, file: Path, console: Console) -> dict[str, Any]:
    """Imports the facts; returns the report."""
    importing = stack.tether("import", str(file), "-o", "json", stdout=subprocess.PIPE)
    out, _ = await asyncio.to_thread(importing.communicate)
    report: dict[str, Any] = json.loads(out)
    console.print(f"{report['seconds']:.1f} s, {report['facts_per_second']:,} events/s")
    return report


async def redrive(stack: Running, number: int, console: Console) -> dict[str, Any]:
    """Redrives everything, and kills each part once meanwhile; returns the run once it is done."""
    began = time.monotonic()
    command = ["quarantine", "redrive", "--yes", "-o", "json"]
    request = stack.tether(*command, stdout=subprocess.PIPE)
    out, _ = await asyncio.to_thread(request.communicate)
    run = json.loads(out)
    query = "select state, accepted + duplicates + refused as processed from quarantine_runs where id = $1"

    async def processed() -> tuple[str, int]:
        (row,) = await stack.database(query, run["id"])
        return row["state"], row["processed"]

    for place, part in enumerate(PARTS, 1):

        async def reached(wanted: float = number * place / (len(PARTS) + 2)) -> bool:
            return (await processed())[1] >= wanted

        await eventually(reached, seconds=600)
        back = await stack.kill(part)
        await eventually(back)
        console.print(f"killed {part} when {(await processed())[1]:,} were processed")

    async def done() -> bool:
        return (await processed())[0] == "done"

    await eventually(done, seconds=1200)
    seconds = time.monotonic() - began
    console.print(f"{number:,} events in {seconds:.1f} s with all kills")
    return dict(await stack.read(f"quarantine/redrives/{run['id']}"))


async def outcome(stack: Running, console: Console) -> dict[str, Any]:
    """What a state is compared by."""
    (state,) = await stack.database(STATE)
    (ledger,) = await stack.database(LEDGER)
    hashes = await stack.hashes(catalogs.load([CATALOG]))
    verified_ = await verified(stack, console)
    of_clubs = {f"links of {name}": hashes[name] for name in ("club_member",)}
    return {"entities": state["rows"], "hash of entities": state["hash"], **of_clubs} | {
        "facts in the ledger": ledger["facts"],
        "verify --rebuild": verified_,
    }


if __name__ == "__main__":
    sys.exit(not asyncio.run(main(int(sys.argv[1]), Console())))
