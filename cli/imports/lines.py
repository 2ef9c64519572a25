"""Reads an NDJSON file as batches of raw lines, without parsing them."""

import gzip
import io
import os
import stat
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from cli.imports.outcomes import RejectedLine
from errors import Refused
from facts.byte_order_marks import LONGEST_MARK, foreign_encoding, without_marks

LONGEST = 16 * 1024 * 1024  # bytes of one line, far above the limit for facts
LARGEST = 4 * 1024 * 1024  # bytes of one batch, unless a single line is longer
BUFFER = 1024 * 1024
UNPACKED = 64 * 1024  # bytes unpacked at once: less is lost before a damaged place
GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class LineBatch:
    """Lines to send in one request."""

    index: int
    """Number of the batch in the file, from 0."""
    lines: list[bytes]
    """None is blank or begins with a byte order mark."""
    numbers: list[int]
    """The number of each line in the file, from 1."""
    through: int
    """Number of the last line of the file that this batch covers, blank lines included."""
    position: int
    """Bytes of the (compressed) file read so far."""
    rejected: list[RejectedLine] = field(default_factory=list)
    last: bool = False


class LineSource:
    """A file or stream of lines. ``size``: bytes on disk; None for a stream, which can be read only once."""

    def __init__(self, name: str, raw: BinaryIO, size: int | None) -> None:
        self.name = name
        self.size = size
        self._raw = raw
        self._read = 0
        packed = cast("io.BufferedReader", raw).peek(2)[:2] == GZIP
        unpacked = cast("io.RawIOBase", gzip.GzipFile(fileobj=raw)) if packed else None
        self._lines: BinaryIO = io.BufferedReader(unpacked, UNPACKED) if unpacked else raw
        self._number = 0

    def begins_with(self, text: bytes) -> bool:
        """Whether the first bytes are these, before any line is read."""
        try:
            return cast("io.BufferedReader", self._lines).peek(len(text))[: len(text)] == text
        except (OSError, EOFError, zlib.error):
            return False  # `batches` says what is wrong

    def batches(self, size: int, skip: int) -> Iterator[LineBatch]:
        """Yields batches of up to ``size`` lines after the first ``skip`` lines; the last has ``last`` set.

        Raises Refused at a place that cannot be read, after all batches before it, and for text that is no UTF-8 by its
        byte order mark.
        """
        try:
            if encoding := foreign_encoding(cast("io.BufferedReader", self._lines).peek(LONGEST_MARK)):
                raise Refused(f"{self.name}: is {encoding}. Convert it to UTF-8.")
            deque(islice(self._lines, skip), maxlen=0)
            self._number = skip
            index, held = 0, self._batch(0, size)
            while True:
                following = self._batch(index + 1, size)
                if not following.lines and not following.rejected:
                    held.through, held.position, held.last = following.through, following.position, True
                    yield held
                    return
                yield held
                index, held = index + 1, following
        except (OSError, EOFError, zlib.error) as problem:
            raise Refused(
                f"{self.name}: cannot be read after line {self._number} ({problem}). Repair the file."
            ) from None

    def _batch(self, index: int, size: int) -> LineBatch:
        lines: list[bytes] = []
        numbers: list[int] = []
        rejected: list[RejectedLine] = []
        length = 0
        while len(lines) < size and length < LARGEST and (line := self._lines.readline(LONGEST)):
            self._number += 1
            if len(line) == LONGEST and not line.endswith(b"\n"):
                self._skip_line()
                rejected.append(RejectedLine(self._number, "", f"the line is longer than {LONGEST} bytes", b""))
            elif (line := without_marks(line)).strip():
                lines.append(line)
                numbers.append(self._number)
                length += len(line)
        if lines and not lines[-1].endswith(b"\n"):
            lines[-1] += b"\n"
        return LineBatch(index, lines, numbers, self._number, self._position(), rejected)

    def _skip_line(self) -> None:
        while (part := self._lines.readline(LONGEST)) and not part.endswith(b"\n"):
            pass

    def _position(self) -> int:
        return self._raw.tell() if self.size is not None else 0  # given name


@contextmanager
def opened(name: str) -> Iterator[LineSource]:
    """Opens a file, a pipe or standard input (`-`). Gzip is recognised by its content. Raises Refused."""
    if name == "-":
        # Not sys.stdin: the interpreter closes it when it exits, and aborts if a read is still going on.
        yield LineSource("standard input", os.fdopen(0, "rb", BUFFER, closefd=False), None)
        return
    try:
        raw = Path(name).open("rb", BUFFER)  # noqa: SIM115 - closed below, once it is known to be readable
        found = os.fstat(raw.fileno())
        regular = stat.S_ISREG(found.st_mode)
        source = LineSource(name, raw, found.st_size if regular else None)
    except OSError as problem:
        raise Refused(f"{name}: cannot be read ({problem.strerror}). Check its name and permissions.") from None
    # A pipe is closed by the end of the process: closing it here would wait for a pending read.
    with raw if regular else nullcontext():
        yield source
