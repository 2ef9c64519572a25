"""Situation 4, from outside: links of a registry's FHIR Patients say who is one person; a converter makes facts."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from examples.demo import profiles
from examples.demo.profiles import CLEO, counts
from examples.demo.stage import Stage
from examples.demo.tether import Json, taken

SYSTEM = "https://people.example.org/keys"
"""The identifier system of the keys of People."""


async def merged_by_a_registry(on: Stage) -> None:
    """Converts a Bundle in which one Patient is replaced by another; imports the facts, and publishes them again."""
    on.play.say(f"A registry's FHIR Bundle: the Patient {CLEO.old} is replaced by {CLEO.new}")
    file = on.folder / "patients.json"
    file.write_text(json.dumps(bundle()))
    facts = await converted(on, file)
    on.play.check("facts of python -m examples.converters.fhir", ["PersonMerged.v1"], [one["type"] for one in facts])
    lines = on.folder / "merges.ndjson"
    lines.write_text("".join(json.dumps(one) + "\n" for one in facts))
    on.play.say("tether import merges.ndjson")
    answer = await on.command.answer("import", str(lines))
    on.play.check("imported", {"accepted": 1, "duplicates": 0}, taken(answer))
    await on.play.reaches("activity by either key", [CLEO.activity] * 2, partial(counts, on, CLEO.old, CLEO.new))
    again = await on.tether.publish(*await converted(on, file), scope="publish:people")
    on.play.check("converted and published again", {"accepted": 0, "duplicates": 1}, taken(again))
    found = (await on.tether.request("GET", "merges", query={"kind": "person", "key": CLEO.old}))["items"]
    on.play.check("source of this merge", ["/people/fhir"], [one["source"] for one in found])
    status = await profiles.status(on, CLEO.old)
    on.play.check(f"HTTP status of {CLEO.old} at People: only requested merges retire profiles", 200, status)


def bundle() -> Json:
    """Both Patients of Cleo, as a server of R4 or R5 answers a search."""
    updated = datetime.now(UTC).isoformat(timespec="milliseconds")
    old, new = (
        {
            "resourceType": "Patient",
            "id": id,
            "meta": {"versionId": "2", "lastUpdated": updated},
            "identifier": [{"system": SYSTEM, "value": key}],
        }
        for id, key in (("17", CLEO.old), ("18", CLEO.new))
    )
    link = {"other": {"reference": "Patient/18"}, "type": "replaced-by"}
    entries = [{"resource": {**old, "active": False, "link": [link]}}, {"resource": {**new, "active": True}}]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


async def converted(on: Stage, file: Path) -> list[Json]:
    """The facts that the converter prints. Raises RuntimeError with what it reports if it fails."""
    pipe = asyncio.subprocess.PIPE
    with file.open("rb") as given:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "examples.converters.fhir", "--identifier", SYSTEM),
            env=dict(on.command.environ),
            stdin=given,
            stdout=pipe,
            stderr=pipe,
        )
        out, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the converter ended with exit code {process.returncode}: {errors.decode().strip()}")
    return [json.loads(line) for line in out.decode().splitlines()]
