"""Links of FHIR Patients (R4, R5) to facts about merges: ``python -m examples.converters.fhir < bundle.json``.

| link | converted to |
|---|---|
| ``replaced-by`` | a merge: the Patient with the link into the one that it names |
| ``replaces`` | a merge: the one that it names into the Patient with the link |
| ``refer``, ``seealso`` | nothing: both Patients stay in use |
| one of the first two that a later version of the resource has no longer | an undo |

Both Patients of a merge may state it: it is in force from the first statement until the last one is withdrawn. A
deleted Patient withdraws nothing.

Input: a Bundle (also of type ``history``), a Patient, or NDJSON of either. Versions of one resource may be in several
inputs: ``--earlier FILE`` names what an earlier run has printed. What it states is not stated again, and what a newer
version no longer states is undone.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from examples.converters.fhir_patients import PatientKeys, PatientVersion, resources
from examples.converters.output import (
    Conversion,
    ConversionProblem,
    Event,
    FactTypes,
    fact_types,
    finish,
    parser,
)

_NO_MERGE = ("refer", "seealso")


class StatedPair(NamedTuple):
    """Two keys that are one person."""

    loser: str
    survivor: str


class Statement(NamedTuple):
    """All pairs that one version of a Patient states. ``by``: the resource, such as ``Patient/17``."""

    time: datetime
    number: tuple[int, str]
    by: str
    pairs: frozenset[StatedPair]


class StatedBefore(NamedTuple):
    """What a fact of an earlier run says: that a pair was merged at a time, or not any more."""

    time: datetime
    pair: StatedPair
    merged: bool
    by: str


@dataclass
class StatedMerges:
    """Which Patients state which pairs at a moment, and the pairs that the facts until then merge."""

    by_pair: dict[StatedPair, set[str]] = field(default_factory=lambda: defaultdict(set))
    merged: set[StatedPair] = field(default_factory=set)

    def follow(
        self, statements: Iterable[Statement], earlier: Iterable[StatedBefore], facts: FactTypes
    ) -> Iterator[Event]:
        """The facts that follow from statements and are not among the earlier ones.

        All that has one time is one step, whichever Patients state it.
        """
        steps: dict[datetime, tuple[list[StatedBefore], list[Statement]]] = defaultdict(lambda: ([], []))
        for before in earlier:
            steps[before.time][0].append(before)
        for statement in statements:
            steps[statement.time][1].append(statement)
        for time, (known, stated) in sorted(steps.items(), key=lambda step: step[0]):
            for before in known:
                self._repeat(before)
            changed: dict[StatedPair, str] = {}
            for statement in sorted(stated):
                changed |= self._replace(statement)
            for pair, by in sorted(changed.items()):
                if (merged := bool(self.by_pair[pair])) != (pair in self.merged):
                    self.merged ^= {pair}
                    yield facts.event(merged=merged, survivor=pair.survivor, loser=pair.loser, time=time, stated_by=by)

    def _repeat(self, before: StatedBefore) -> None:
        if before.merged:
            self.merged.add(before.pair)
            self.by_pair[before.pair].add(before.by)
        else:
            self.merged.discard(before.pair)
            self.by_pair[before.pair].clear()

    def _replace(self, statement: Statement) -> dict[StatedPair, str]:
        """Lets a version take the place of the one before; pairs that it or that one states → the resource."""
        stated = {pair for pair, by in self.by_pair.items() if statement.by in by}
        for pair in stated - statement.pairs:
            self.by_pair[pair].remove(statement.by)
        for pair in statement.pairs - stated:
            self.by_pair[pair].add(statement.by)
        return dict.fromkeys(stated | statement.pairs, statement.by)


def convert(text: str, facts: FactTypes, keys: PatientKeys, earlier: Iterable[Event] = ()) -> Conversion:
    """Converts the Patients of a text.

    ``facts``: how facts are called; ``keys``: how people are; ``earlier``: facts that were converted before.
    """
    done = Conversion()
    before = [_stated_before(event, facts) for event in earlier]
    versions: list[PatientVersion] = []
    for found in resources(text):
        try:
            if isinstance(found, ConversionProblem):
                raise found
            keys.add(found)
            versions.append(found)
        except ConversionProblem as problem:
            done.problems.append(problem)
    stated: list[tuple[PatientVersion, frozenset[StatedPair]]] = []
    for version in versions:
        try:
            stated.append((version, frozenset(_pairs(version, keys, done.skipped))))
        except ConversionProblem as problem:
            done.problems.append(problem)
    statements = _statements(done, stated, {one.by for one in before})
    done.events += StatedMerges().follow(statements, before, facts)
    return done


def _statements(
    done: Conversion, stated: Iterable[tuple[PatientVersion, frozenset[StatedPair]]], known: Collection[str]
) -> list[Statement]:
    """The statements of Patients that ever stated a merge; only their versions need a time.

    ``stated``: each version with its pairs; ``known``: Patients that have stated one before.
    """
    stating = {_name(version) for version, pairs in stated if pairs} | set(known)
    statements = []
    for version, pairs in stated:
        if (by := _name(version)) in stating:
            try:
                statements.append(Statement(version.time(), version.number, by, pairs))
            except ConversionProblem as problem:
                done.problems.append(problem)
    return statements


def _stated_before(event: Event, facts: FactTypes) -> StatedBefore:
    """What a fact says that was converted before. Raises ValueError, KeyError, TypeError for any other."""
    (loser,) = event["data"]["losers"]
    pair = StatedPair(str(loser), str(event["data"]["survivor"]))
    time = datetime.fromisoformat(event["time"]).astimezone(UTC)
    if event["type"] not in (facts.merged, facts.unmerged):
        raise ValueError(f"the type {event['type']!r}")
    return StatedBefore(time, pair, event["type"] == facts.merged, str(event["statedby"]))


def _name(version: PatientVersion) -> str:
    return f"Patient/{version.id}"


def _pairs(version: PatientVersion, keys: PatientKeys, skipped: Counter[str]) -> Iterator[StatedPair]:
    """The pairs that a version states; counts its other links in ``skipped``. Raises ConversionProblem."""
    for at, type, other in version.links():
        if type in _NO_MERGE:
            skipped[type] += 1
            continue
        if type not in ("replaced-by", "replaces"):
            reason = f"{type!r} is no type of link" if type else "is missing"
            raise (at / "type").problem(reason, "FHIR has replaced-by, replaces, refer and seealso")
        own, named = keys.of_patient(version), keys.of_reference(at / "other", other, version)
        if own == named:
            raise (at / "other").problem(f"{own!r} would be merged with itself", "Remove this link at its server")
        yield StatedPair(own, named) if type == "replaced-by" else StatedPair(named, own)


def _read_earlier(names: Iterable[str]) -> list[Event]:
    """The facts of files that earlier runs have printed. Raises OSError, ValueError."""
    return [json.loads(line) for name in names for line in Path(name).read_text("utf-8").splitlines() if line.strip()]


def main() -> int:
    """Converts standard input with the options of the command line; returns the exit code."""
    made = parser("fhir", "Convert links of FHIR Patients to facts for tether import.", "/people/fhir")
    made.add_argument("--identifier", default="", metavar="SYSTEM", help="keys are identifiers of this system, no ids")
    made.add_argument("--base", default="", metavar="URL", help="server whose ids are those of the input")
    made.add_argument("--earlier", action="append", default=[], metavar="FILE", help="what an earlier run has printed")
    given = made.parse_args()
    keys = PatientKeys(given.identifier, given.base)
    try:
        earlier = _read_earlier(given.earlier)
        text = sys.stdin.buffer.read().decode("utf-8-sig")
        done = convert(text, fact_types(given), keys, earlier)
    except OSError as error:
        print(f"{error.filename}: cannot be read ({error.strerror}). Check its name and permissions.", file=sys.stderr)
        return 2
    except UnicodeDecodeError:
        print("The input is no UTF-8, in which FHIR's JSON is. Convert it.", file=sys.stderr)
        return 2
    except (ValueError, KeyError, TypeError) as error:
        print(
            f"--earlier: a line is no fact of this converter ({error!r}). Name a file that it has printed.",
            file=sys.stderr,
        )
        return 2
    return finish(done)


if __name__ == "__main__":
    sys.exit(main())
