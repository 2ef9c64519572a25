"""HL7 v2 messages as segments, fields, repetitions and components, with the delimiters that each message declares."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from examples.converters.output import ConversionProblem

_BREAK = re.compile(rb"\r\n|\r|\n")
_FRAME = b"\x0b\x1c \t"
"""Bytes around a message: of MLLP, and blanks."""
_MARK = b"\xef\xbb\xbf"
_BATCH = (b"FHS", b"BHS", b"BTS", b"FTS")
_HEX = re.compile(r"X(?:[0-9A-Fa-f]{2})+")
_ENCODINGS = {"": "utf-8", "ASCII": "utf-8", "UNICODE UTF-8": "utf-8", "UNICODE": "utf-8"} | {
    f"8859/{part}": f"iso8859_{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)
}
"""MSH-18 → name of the codec."""


@dataclass(frozen=True)
class Delimiters:
    """MSH-1 and the characters of MSH-2. ``truncation`` is empty before version 2.7."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""

    def unescape(self, text: str) -> str:
        """The text with its escape sequences replaced. Raises ValueError for one that stands for no text."""
        if not self.escape or self.escape not in text:
            return text
        plain, *parts = text.split(self.escape)
        if len(parts) % 2:
            raise ValueError(f"has an escape sequence without an end in {text!r}")
        for sequence, after in zip(parts[::2], parts[1::2], strict=True):
            plain += self._character(sequence) + after
        return plain

    def _character(self, sequence: str) -> str:
        known = {
            "F": self.field,
            "S": self.component,
            "R": self.repetition,
            "E": self.escape,
            "T": self.subcomponent,
            "P": self.truncation,
            "H": "",  # begin and end of highlighting
            "N": "",
        }
        if sequence in known:
            return known[sequence]
        if _HEX.fullmatch(sequence):
            return bytes.fromhex(sequence[1:]).decode("utf-8")
        raise ValueError(f"has the escape sequence {self.escape}{sequence}{self.escape}, which stands for no text")


@dataclass(frozen=True)
class Hl7Segment:
    """A segment at a line of the input. ``fields[n]`` is field n, and ``fields[0]`` the name of the segment."""

    line: int
    fields: list[str]
    delimiters: Delimiters

    @property
    def name(self) -> str:
        """Such as ``PID``."""
        return self.fields[0]

    def field(self, number: int) -> str:
        """A whole field, still escaped; empty if it is not there."""
        return self.fields[number] if number < len(self.fields) else ""

    def component(self, number: int, component: int = 1) -> str:
        """A component of the first repetition of a field; empty if it is not there. Raises ConversionProblem."""
        first = self.field(number).split(self.delimiters.repetition)[0]
        return self.text(number, _part(first, self.delimiters.component, component))

    def repetitions(self, number: int) -> list[str]:
        """The repetitions of a field that have any content, still escaped."""
        return [one for one in self.field(number).split(self.delimiters.repetition) if one]

    def text(self, number: int, escaped: str) -> str:
        """A part of a field without escapes, and without blanks around. Raises ConversionProblem."""
        try:
            return self.delimiters.unescape(escaped).strip()
        except ValueError as error:
            raise self.problem(number, str(error), "Have the sender escape it as HL7 v2.5, 2.7 says") from None

    def parts(self, repetition: str) -> tuple[list[str], list[str]]:
        """(components, subcomponents of the fourth component) of a repetition of a CX field, still escaped."""
        components = repetition.split(self.delimiters.component)
        authority = components[3] if len(components) > 3 else ""
        separator = self.delimiters.subcomponent
        return components, authority.split(separator) if separator else [authority]

    def problem(self, number: int, reason: str, mend: str) -> ConversionProblem:
        """The problem with a field; ``number`` 0: with the segment."""
        return ConversionProblem(self.line, f"{self.name}-{number}" if number else self.name, reason, mend)


def messages(content: bytes) -> Iterator[list[Hl7Segment] | ConversionProblem]:
    """The messages of a file, each as its segments, the first of which is MSH; or why one cannot be read."""
    held: list[tuple[int, bytes]] = []
    for line, raw in enumerate(_BREAK.split(content.removeprefix(_MARK)), 1):
        text = raw.strip(_FRAME)
        if not text or text[:3] in _BATCH:
            continue
        if text[:3] == b"MSH" and held:
            yield _message(held)
            held = []
        held.append((line, text))
    if held:
        yield _message(held)


def _message(lines: list[tuple[int, bytes]]) -> list[Hl7Segment] | ConversionProblem:
    line, header = lines[0]
    if header[:3] != b"MSH":
        return ConversionProblem(line, "MSH", "a message begins without it", "Begin each message with an MSH segment")
    try:
        delimiters = _delimiters(line, header)
        encoding = _encoding(line, header, delimiters)
        return [_segment(number, raw.decode(encoding), delimiters) for number, raw in lines]
    except UnicodeDecodeError as error:
        mend = "Name the encoding in MSH-18, such as 8859/1, or convert the file to UTF-8"
        return ConversionProblem(line, "MSH-18", f"the message is no {error.encoding}", mend)
    except ConversionProblem as problem:
        return problem


def _delimiters(line: int, header: bytes) -> Delimiters:
    text = header.decode("latin-1")
    field, others = text[3:4], text[4:].split(text[3:4] or "|")[0]
    chosen = field + others
    usable = 3 <= len(others) <= 5 and len(set(chosen)) == len(chosen)
    if not usable or any(one.isalnum() or not one.isascii() or one.isspace() for one in chosen):
        reason = f"MSH-1 and MSH-2 are {chosen!r}: they are not four to six different punctuation marks"
        raise ConversionProblem(line, "MSH-2", reason, r"Begin the message as MSH|^~\&|")
    return Delimiters(field, *others)


def _encoding(line: int, header: bytes, delimiters: Delimiters) -> str:
    named = _segment(line, header.decode("latin-1"), delimiters).component(18)
    if named.upper() not in _ENCODINGS:
        mend = f"Convert the message to one of: {', '.join(filter(None, _ENCODINGS))}"
        raise ConversionProblem(line, "MSH-18", f"is {named!r}, an encoding that is not known here", mend)
    return _ENCODINGS[named.upper()]


def _segment(line: int, text: str, delimiters: Delimiters) -> Hl7Segment:
    fields = text.split(delimiters.field)
    if fields[0] == "MSH":
        fields.insert(1, delimiters.field)  # MSH-1 is the delimiter itself
    return Hl7Segment(line, fields, delimiters)


def _part(text: str, delimiter: str, number: int) -> str:
    parts = text.split(delimiter)
    return parts[number - 1] if number <= len(parts) else ""
