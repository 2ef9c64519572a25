"""Imports real facts in bulk: a sample of flights in causal order, shuffled with duplicates, and a second time."""

import gzip
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from examples.data import EXPECTED, FLIGHTS
from examples.demo.stage import OTHER, Stage
from examples.demo.tether import Json, TetherClient, taken

SEED = 1
REPEATED = 0.05
"""Share of the facts that are delivered twice."""

REFERENCES = {
    "carrier": "airline_flight",
    "origin": "origin_flight",
    "dest": "dest_flight",
    "tailnum": "plane_flight",
}
"""Field of a flight → relationship."""


async def play(on: Stage) -> None:
    """Imports the same facts in two orders for two tenants, then again for the first one."""
    expected: Json = json.loads(EXPECTED.read_bytes())
    count = int(expected["events"])
    repeats = round(count * REPEATED)
    on.play.situation(
        "Flights",
        f"{count:,} real facts of four services: flights refer to airlines, airports and planes. Some never arrive.",
    )
    on.play.say("tether import flights.ndjson.gz: each parent before its children")
    report = await imported(on, FLIGHTS)
    on.play.check("imported in causal order", {"accepted": count, "duplicates": 0}, taken(report))
    await compare(on, on.tether, expected, "in causal order")
    await missing_parents(on, expected)

    mixed = on.folder / "shuffled.ndjson"
    shuffle(FLIGHTS, mixed)
    on.play.say(f"tether import shuffled.ndjson, for the tenant {OTHER}: random order, {repeats} facts twice")
    report = await imported(on, mixed, on.other.key("admin"))
    on.play.check("imported shuffled", {"accepted": count, "duplicates": repeats}, taken(report))
    await compare(on, on.other, expected, "shuffled")
    on.play.check("links of groups that this tenant sees", [], await on.other.links("group_channel"))

    on.play.say("tether import shuffled.ndjson, for the first tenant, which has all of these facts already")
    before = (await on.tether.request("GET", "relationships"))["token"]
    report = await imported(on, mixed)
    on.play.check("imported again", {"accepted": 0, "duplicates": count + repeats}, taken(report))
    after = (await on.tether.request("GET", "relationships"))["token"]
    on.play.check("duplicates do not create a revision", True, before == after)


async def imported(on: Stage, file: Path, key: str = "") -> Json:
    """The report of ``tether import`` of a file; ``key``: API key of another tenant. Raises RuntimeError."""
    report = await on.command.answer("import", str(file), "--restart", *(("--key", key) if key else ()))
    on.play.say(f"{report['lines']:,} facts in {report['seconds']:.1f} s, {report['facts_per_second']:,}/s")
    return report


async def compare(on: Stage, tether: TetherClient, expected: Json, how: str) -> None:
    """Checks the counts and the SHA-256 of the links of each relationship against the precomputed answer.

    ``tether``: client of the tenant; ``expected``: content of ``expected.json``; ``how``: order of the import, as
    shown in the checks.
    """
    for field, name in REFERENCES.items():
        wanted = expected["relationships"][field]
        links = await tether.links(name)
        counts = (await tether.request("GET", f"relationships/{name}", query={"counts": "true"}))["counts"]
        states = ("linked", "waiting", "broken")
        on.play.check(f"{field}, {how}", {s: wanted[s] for s in states}, {s: counts[s] for s in states})
        on.play.check(f"{field}, {how}: SHA-256 of its links", wanted["sha256"], fingerprint(field, links))


async def missing_parents(on: Stage, expected: Json) -> None:
    """Checks that there is one wait per missing parent, not one per flight."""
    wanted = expected["relationships"]["dest"]["top_waiting"]
    found = await on.tether.waiting(relationship=REFERENCES["dest"])
    on.play.check(
        "missing destinations, and the flights that wait for each", tuple_of(wanted), tuple_of(by_children(found))
    )
    on.play.check("owner that is waited for", {"airports"}, {wait["waiting_for"]["owner"] for wait in found})
    planes = await on.tether.waiting(relationship=REFERENCES["tailnum"])
    on.play.check(
        "number of missing planes",
        expected["relationships"]["tailnum"]["distinct_parents"]["waiting"],
        len(planes),
    )
    example = (await on.tether.links(REFERENCES["dest"], parent="SJU"))[0]["child"]
    on.play.quote((await on.tether.why(REFERENCES["dest"], example))["sentence"])


def fingerprint(field: str, links: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 over one line ``field|child|parent|state`` per link; the lines are sorted by their bytes."""
    lines = sorted(f"{field}|{link['child']}|{link['parent']}|{link['state']}\n".encode() for link in links)
    return hashlib.sha256(b"".join(lines)).hexdigest()


def shuffle(source: Path, target: Path) -> None:
    """Writes all lines of a gzip file in random order, ``REPEATED`` of them twice; the same order on each run."""
    dice = random.Random(SEED)
    lines = gzip.decompress(source.read_bytes()).splitlines(keepends=True)
    lines += dice.sample(lines, round(len(lines) * REPEATED))
    dice.shuffle(lines)
    target.write_bytes(b"".join(lines))


def by_children(waits: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """(parent, number of children) of each wait, most children first."""
    return sorted(((wait["parent"], wait["children"]) for wait in waits), key=lambda one: (-one[1], one[0]))


def tuple_of(pairs: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Tuples instead of the lists that JSON has, to compare them."""
    return [tuple(pair) for pair in pairs]
