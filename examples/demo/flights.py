"""Real facts in bulk: a sample of the flights, in their own order and in none, once and again."""

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
    """The same facts, in two orders, for two tenants; then once more."""
    expected: Json = json.loads(EXPECTED.read_bytes())
    count = int(expected["events"])
    repeats = round(count * REPEATED)
    on.play.situation(
        "Flights",
        f"{count:,} real facts of four services: flights name airlines, airports and planes, of which some never come.",
    )
    on.play.say("tether import flights.ndjson.gz: every parent before its children")
    told = await imported(on, FLIGHTS)
    on.play.check("in their own order", {"accepted": count, "duplicates": 0}, taken(told))
    await compare(on, on.tether, expected, "in their own order")
    await who_is_waited_for(on, expected)

    mixed = on.folder / "shuffled.ndjson"
    shuffle(FLIGHTS, mixed)
    on.play.say(f"tether import shuffled.ndjson, for the tenant {OTHER}: any order, {repeats} facts told twice")
    told = await imported(on, mixed, on.other.key("admin"))
    on.play.check("shuffled", {"accepted": count, "duplicates": repeats}, taken(told))
    await compare(on, on.other, expected, "shuffled")
    on.play.check("links of groups that this tenant sees", [], await on.other.links("group_channel"))

    on.play.say("tether import shuffled.ndjson, for the first tenant, which has had all of it")
    before = (await on.tether.ask("GET", "relationships"))["token"]
    told = await imported(on, mixed)
    on.play.check("all of it again", {"accepted": 0, "duplicates": count + repeats}, taken(told))
    after = (await on.tether.ask("GET", "relationships"))["token"]
    on.play.check("it opened no revision", True, before == after)


async def imported(on: Stage, file: Path, key: str = "") -> Json:
    """What ``tether import`` says of it; ``key``: of another tenant."""
    told = await on.command.answer("import", str(file), "--restart", *(("--key", key) if key else ()))
    on.play.say(f"{told['lines']:,} facts in {told['seconds']:.1f} s, {told['facts_per_second']:,}/s")
    return told


async def compare(on: Stage, tether: TetherClient, expected: Json, how: str) -> None:
    """Counts and SHA-256 of every relationship with the answer that was computed beforehand."""
    for field, name in REFERENCES.items():
        wanted = expected["relationships"][field]
        links = await tether.links(name)
        counts = (await tether.ask("GET", f"relationships/{name}", query={"counts": "true"}))["counts"]
        states = ("linked", "waiting", "broken")
        on.play.check(f"{field}, {how}", {s: wanted[s] for s in states}, {s: counts[s] for s in states})
        on.play.check(f"{field}, {how}: SHA-256 of its links", wanted["sha256"], fingerprint(field, links))


async def who_is_waited_for(on: Stage, expected: Json) -> None:
    """Waits are per missing parent, not per flight."""
    wanted = expected["relationships"]["dest"]["top_waiting"]
    found = await on.tether.waiting(relationship=REFERENCES["dest"])
    on.play.check(
        "destinations that never came, and the flights that wait", tuple_of(wanted), tuple_of(by_children(found))
    )
    on.play.check("who owes them", {"airports"}, {wait["waiting_for"]["owner"] for wait in found})
    planes = await on.tether.waiting(relationship=REFERENCES["tailnum"])
    on.play.check(
        "planes that are waited for",
        expected["relationships"]["tailnum"]["distinct_parents"]["waiting"],
        len(planes),
    )
    example = (await on.tether.links(REFERENCES["dest"], parent="SJU"))[0]["child"]
    on.play.quote((await on.tether.why(REFERENCES["dest"], example))["sentence"])


def fingerprint(field: str, links: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 over ``field|child|parent|state``, one line a link, sorted by bytes."""
    lines = sorted(f"{field}|{link['child']}|{link['parent']}|{link['state']}\n".encode() for link in links)
    return hashlib.sha256(b"".join(lines)).hexdigest()


def shuffle(source: Path, target: Path) -> None:
    """Every line once, and a share of them twice, in an order that depends on the seed alone."""
    dice = random.Random(SEED)
    lines = gzip.decompress(source.read_bytes()).splitlines(keepends=True)
    lines += dice.sample(lines, round(len(lines) * REPEATED))
    dice.shuffle(lines)
    target.write_bytes(b"".join(lines))


def by_children(waits: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Parent and number of children, most first."""
    return sorted(((wait["parent"], wait["children"]) for wait in waits), key=lambda one: (-one[1], one[0]))


def tuple_of(pairs: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """JSON knows no tuples."""
    return [tuple(pair) for pair in pairs]
