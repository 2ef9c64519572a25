"""HL7 v2 messages of patient registries to facts about merges: ``python -m examples.converters.hl7 < messages.hl7``.

| event | converted to |
|---|---|
| ADT^A40 (merge patient) | a merge for each identifier in MRG-1: into another one in PID-3 of its authority and type |
| ADT^A47 (change identifier) | the same: the former identifier goes on as the new one |
| ADT^A37 (unlink) | an undo for each two identifiers of the same authority and type: neither is merged into the other |
| ADT^A24 (link) | nothing: linked records stay distinct |
| ADT^A18, A34, A36, A39, A46 | a problem: former merges and changes of patients, whose place A40 and A47 have taken |
| everything else, also of accounts and visits | nothing |

The key of a person is ``authority|value``: a value without its authority could be another person's. The authority is
its universal id, such as an OID, or else its namespace; the same authority must always be named in the same way.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from examples.converters.hl7_messages import Hl7Segment, messages
from examples.converters.output import (
    Conversion,
    ConversionProblem,
    Event,
    FactTypes,
    fact_types,
    finish,
    parser,
)

_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?\d*([+-]\d{4})?", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):?([0-5]\d)", re.ASCII)
_FORMER = {"A18", "A34", "A36", "A39", "A46"}
_NULL = '""'
"""A field that is to be deleted: there is no identifier in it."""


@dataclass(frozen=True)
class Hl7Options:
    """``facts``: how they are called; ``authority``: of identifiers that name none; ``offset``: of times without one;
    ``aliases``: authority → the name that it is to have."""

    facts: FactTypes
    authority: str = ""
    offset: timezone | None = None
    aliases: Mapping[str, str] | None = None


@dataclass(frozen=True)
class PatientIdentifier:
    """One repetition of a CX field. ``type``: its identifier type code, such as MR."""

    authority: str
    value: str
    type: str

    @property
    def key(self) -> str:
        """The key of the person: no two identifiers have the same."""
        authority = self.authority.replace("%", "%25").replace("|", "%7C")
        return f"{authority}|{self.value}"

    def can_replace(self, other: "PatientIdentifier") -> bool:
        """Whether one may be merged into the other: both are of one authority, and of one type if both say theirs."""
        same_type = not self.type or not other.type or self.type == other.type
        return self.authority == other.authority and same_type


def convert(content: bytes, options: Hl7Options) -> Conversion:
    """Converts the messages of a file."""
    done = Conversion()
    for message in messages(content):
        if isinstance(message, ConversionProblem):
            done.problems.append(message)
            continue
        header = message[0]
        try:
            event = _event_of(message)
            if event in _CONVERTED:
                found = list(_CONVERTED[event](message, options))
                done.events += found
                if not found:
                    done.skipped[event] += 1
            elif event.startswith("ADT^") and event[4:] in _FORMER:
                mend = "Have the sender publish ADT^A40 or ADT^A47, or merge through the API"
                raise header.problem(9, f"{event} merges in a way that is not converted", mend)
            else:
                done.skipped[event] += 1
        except ConversionProblem as problem:
            done.problems.append(problem)
    return done


def _event_of(message: Sequence[Hl7Segment]) -> str:
    """Such as ``ADT^A40``, by MSH-9, or by EVN-1 where that has the type only."""
    header = message[0]
    code, trigger = header.component(9), header.component(9, 2)
    if not trigger:
        trigger = next((one.component(1) for one in message if one.name == "EVN"), "")
    if not code:
        raise header.problem(9, "the type of the message is missing", "Name it, such as ADT^A40^ADT_A39")
    return f"{code}^{trigger}" if trigger else code


def _merges(message: Sequence[Hl7Segment], options: Hl7Options) -> Iterator[Event]:
    """The facts of an A40 or A47: of each group of PID and MRG."""
    time, stated_by = _time(message, options), _stated_by(message)
    survivor: Hl7Segment | None = None
    groups = 0
    for segment in message:
        if segment.name == "PID":
            if survivor is not None:
                raise survivor.problem(0, "no MRG follows this PID", "Send PID and MRG in pairs")
            survivor = segment
        elif segment.name == "MRG":
            if survivor is None:
                raise segment.problem(0, "no PID comes before this MRG", "Send PID and MRG in pairs")
            groups += 1
            for loser, kept in _pairs(survivor, segment, options):
                yield options.facts.event(
                    merged=True, survivor=kept.key, loser=loser.key, time=time, stated_by=stated_by
                )
            survivor = None
    if survivor is not None or not groups:
        raise (survivor or message[0]).problem(0, "a PID without an MRG", "Send PID and MRG in pairs")


def _pairs(
    pid: Hl7Segment, mrg: Hl7Segment, options: Hl7Options
) -> Iterator[tuple[PatientIdentifier, PatientIdentifier]]:
    """(loser, survivor) of one group. What is in both lists, and has nothing else to go on as, is unchanged."""
    kept, lost = _identifiers(pid, 3, options), _identifiers(mrg, 1, options)
    found = 0
    for loser in lost:
        matching = [one for one in kept if one.can_replace(loser) and one.key != loser.key]
        matching = [one for one in matching if one.type == loser.type] or matching
        if not matching and loser.key in {one.key for one in kept}:
            continue
        if len({one.key for one in matching}) != 1:
            count = "no identifier" if not matching else "several identifiers"
            of_type = f" and type {loser.type}" if loser.type else ""
            reason = f"{loser.value!r} has {count} of authority {loser.authority!r}{of_type} in PID-3 to go on as"
            raise mrg.problem(1, reason, "Name one in PID-3, or rename an authority by --alias NAME=AUTHORITY")
        found += 1
        yield loser, matching[0]
    if not found:
        raise mrg.problem(1, "all identifiers are in PID-3 too, so that none is merged", "Name the former one here")


def _unlinked(message: Sequence[Hl7Segment], options: Hl7Options) -> Iterator[Event]:
    """The facts of an A37: the two patients are not one, in whichever direction they may have been merged."""
    patients = [segment for segment in message if segment.name == "PID"]
    if len(patients) != 2:
        reason = f"{len(patients)} PID segments: an A37 is about two patients"
        raise message[0].problem(9, reason, "Send one PID for each of the two")
    time, stated_by = _time(message, options), _stated_by(message)
    first, second = (_identifiers(patient, 3, options) for patient in patients)
    for one in first:
        for other in second:
            if one.can_replace(other) and one.key != other.key:
                for survivor, loser in ((one, other), (other, one)):
                    yield options.facts.event(
                        merged=False, survivor=survivor.key, loser=loser.key, time=time, stated_by=stated_by
                    )


_CONVERTED: Mapping[str, Callable[[Sequence[Hl7Segment], Hl7Options], Iterator[Event]]] = {
    "ADT^A40": _merges,
    "ADT^A47": _merges,
    "ADT^A37": _unlinked,
}


def _identifiers(segment: Hl7Segment, number: int, options: Hl7Options) -> list[PatientIdentifier]:
    """The identifiers of a CX field. Raises ConversionProblem if there is none, or one names no authority."""
    found = []
    for repetition in segment.repetitions(number):
        components, authority = segment.parts(repetition)
        value = segment.text(number, components[0])
        if not value or value == _NULL:
            continue
        named = [segment.text(number, part) for part in authority]
        chosen = (named[1] if len(named) > 1 else "") or named[0] or options.authority
        if not chosen or chosen == _NULL:
            mend = "Have the sender name it in the fourth component, or give --authority NAME"
            raise segment.problem(number, f"{value!r} has no assigning authority", mend)
        chosen = (options.aliases or {}).get(chosen, chosen)
        code = segment.text(number, components[4]) if len(components) > 4 else ""
        found.append(PatientIdentifier(chosen, value, code))
    if not found:
        raise segment.problem(number, "no identifier of the patient", "Name at least one, such as 123^^^HOSPITAL^MR")
    return found


def _time(message: Sequence[Hl7Segment], options: Hl7Options) -> datetime:
    """When the event was recorded: EVN-2, or else MSH-7."""
    event = next((one for one in message if one.name == "EVN"), message[0])
    segment, number = (event, 2) if event.name == "EVN" and event.component(2) else (message[0], 7)
    text = segment.component(number)
    parsed = _TIME.fullmatch(text)
    if parsed is None:
        reason = f"{text!r} is no time to the minute" if text else "the time of the message is missing"
        raise segment.problem(number, reason, "Send it as 20260131120000+0100")
    *numbers, fraction, offset = parsed.groups()
    zone = _offset(offset) if offset else options.offset
    if zone is None:
        raise segment.problem(number, f"{text!r} has no offset from UTC", "Give that of the sender: --offset=+01:00")
    try:
        whole = datetime(*(int(one or 0) for one in numbers), tzinfo=zone)  # type: ignore[misc,arg-type]  # six numbers
        return (whole + timedelta(microseconds=int((fraction or "0").ljust(6, "0")))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise segment.problem(number, f"{text!r} is not in the calendar", "Correct the time") from None


def _stated_by(message: Sequence[Hl7Segment]) -> str:
    """The control id of the message, with its sender: what the sender finds it by."""
    header = message[0]
    return "/".join(header.component(number) or "-" for number in (3, 4, 10))


def _offset(text: str) -> timezone:
    """A zone of ``+0100`` or ``+01:00``. Raises ArgumentTypeError."""
    parsed = _OFFSET.fullmatch(text)
    if parsed is None or int(parsed[2]) > 23:
        raise argparse.ArgumentTypeError(f"{text!r} is no offset such as +01:00")
    ahead = timedelta(hours=int(parsed[2]), minutes=int(parsed[3]))
    return timezone(-ahead if parsed[1] == "-" else ahead)


def _alias(text: str) -> tuple[str, str]:
    name, separator, authority = text.partition("=")
    if not (name and separator and authority):
        raise argparse.ArgumentTypeError(f"{text!r} is no NAME=AUTHORITY")
    return name, authority


def main() -> int:
    """Converts standard input with the options of the command line; returns the exit code."""
    made = parser("hl7", "Convert HL7 v2 messages about merged patients to facts for tether import.", "/people/hl7")
    made.add_argument("--authority", default="", help="assigning authority of identifiers that name none")
    made.add_argument("--offset", type=_offset, help="offset from UTC of times that have none, such as --offset=+01:00")
    made.add_argument(
        "--alias", type=_alias, action="append", default=[], metavar="NAME=AUTHORITY", help="rename an authority"
    )
    given = made.parse_args()
    options = Hl7Options(fact_types(given), given.authority, given.offset, dict(given.alias))
    return finish(convert(sys.stdin.buffer.read(), options))


if __name__ == "__main__":
    sys.exit(main())
