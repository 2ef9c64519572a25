"""What both converters print: facts about merges as lines of JSON, problems and a summary for people."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TextIO, TypeAlias

Event: TypeAlias = dict[str, Any]
"""A CloudEvent as JSON has it."""


class ConversionProblem(Exception):
    """What cannot be converted. ``line``: of the input, from 1; ``where``: the field; ``mend``: what helps."""

    def __init__(self, line: int, where: str, reason: str, mend: str) -> None:
        self.line, self.where, self.reason, self.mend = line, where, reason, mend
        super().__init__(f"line {line}, {where}: {reason}. {mend}.")


@dataclass(frozen=True)
class FactTypes:
    """How facts are called. ``source``: of all of them; ``merged``, ``unmerged``: their types."""

    source: str
    merged: str = "PersonMerged.v1"
    unmerged: str = "PersonUnmerged.v1"

    def event(self, *, merged: bool, survivor: str, loser: str, time: datetime, stated_by: str) -> Event:
        """The fact that the loser is the same person as the survivor, or is not (any more).

        ``time``: when that was stated, which decides between two facts about a pair; ``stated_by``: the record or the
        message that states it.
        """
        event: Event = {
            "specversion": "1.0",
            "type": self.merged if merged else self.unmerged,
            "source": self.source,
            "subject": survivor,
            "time": time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "statedby": stated_by,
            "data": {"survivor": survivor, "losers": [loser]},
        }
        text = json.dumps(event, sort_keys=True, separators=(",", ":"))
        return {**event, "id": sha256(text.encode()).hexdigest()[:32]}


@dataclass
class Conversion:
    """Facts and problems of one input, in its order. ``skipped``: what is no merge → how often it came."""

    events: list[Event] = field(default_factory=list)
    problems: list[ConversionProblem] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def unique(self) -> Iterator[Event]:
        """The facts, each once."""
        return iter({event["id"]: event for event in self.events}.values())

    def show(self, out: TextIO, errors: TextIO) -> int:
        """Prints facts to ``out``, problems and a summary to ``errors``. Returns the exit code: 1 with problems."""
        events = list(self.unique)
        for event in events:
            print(json.dumps(event, ensure_ascii=False), file=out)
        for problem in self.problems:
            print(problem, file=errors)
        names = ", ".join(f"{name} {count}" for name, count in sorted(self.skipped.items()))
        parts = [f"facts: {len(events)}", f"problems: {len(self.problems)}", f"no merges: {names or 'none'}"]
        print("; ".join(parts), file=errors)
        return 1 if self.problems else 0


def parser(program: str, description: str, source: str) -> argparse.ArgumentParser:
    """The options that both converters have.

    ``program``: name of the module; ``description``: for the help; ``source``: of the facts, if none is given.
    """
    made = argparse.ArgumentParser(prog=f"python -m examples.converters.{program}", description=description)
    made.add_argument("--source", default=source, help="source of the facts (%(default)s)")
    made.add_argument("--merged", default=FactTypes.merged, help="type of facts that merge (%(default)s)")
    made.add_argument("--unmerged", default=FactTypes.unmerged, help="type of facts that undo (%(default)s)")
    return made


def fact_types(arguments: argparse.Namespace) -> FactTypes:
    """The value of the common options."""
    return FactTypes(arguments.source, arguments.merged, arguments.unmerged)


def finish(conversion: Conversion) -> int:
    """Prints a conversion to the standard streams; returns the exit code."""
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]  # a TextIOWrapper
    return conversion.show(sys.stdout, sys.stderr)
