"""Cuts a file of NDJSON into batches of raw lines. Nothing is parsed here."""

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

from cli.imports.outcomes import Rejected
from errors import Refused

LONGEST = 16 * 1024 * 1024  # bytes of one line; no fact is nearly as long
HEAVIEST = 4 * 1024 * 1024  # bytes of one batch, unless a single line is heavier
BUFFER = 1024 * 1024
UNPACKED = 64 * 1024  # bytes unpacked at once; what lies in the same piece as a damage is lost
GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class Batch:
    """Lines that go out in one request."""

    index: int
    """Its place in the file, from 0."""
    lines: list[bytes]
    numbers: list[int]
    """Of each line, its number in the file, from 1."""
    through: int
    """The last line of the file that is dealt with by this batch, blank ones included."""
    position: int
    """Bytes of the (compressed) file read up to here."""
    rejected: list[Rejected] = field(default_factory=list)
    last: bool = False


class Source:
    """Lines to be read. ``size`` is in bytes as they lie on disk; None for a stream, which is read only once."""

    def __init__(self, name: str, raw: BinaryIO, size: int | None) -> None:
        self.name = name
        self.size = size
        self._raw = raw
        self._read = 0
        packed = cast("io.BufferedReader", raw).peek(2)[:2] == GZIP
        unpacked = cast("io.RawIOBase", gzip.GzipFile(fileobj=raw)) if packed else None
        self._lines: BinaryIO = io.BufferedReader(unpacked, UNPACKED) if unpacked else raw
        self._number = 0

    def batches(self, size: int, skip: int) -> Iterator[Batch]:
        """Batches of up to ``size`` lines after the first ``skip`` ones. The last one says that it is.

        Raises Refused where the file cannot be read on, after all batches before that place.
        """
        try:
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
                f"{self.name}: cannot be read on after line {self._number} ({problem}). Mend the file."
            ) from None

    def _batch(self, index: int, size: int) -> Batch:
        lines: list[bytes] = []
        numbers: list[int] = []
        rejected: list[Rejected] = []
        weight = 0
        while len(lines) < size and weight < HEAVIEST and (line := self._lines.readline(LONGEST)):
            self._number += 1
            if len(line) == LONGEST and not line.endswith(b"\n"):
                self._pass_over()
                rejected.append(Rejected(self._number, "line", f"is longer than {LONGEST} bytes", b""))
            elif not line.isspace():
                lines.append(line)
                numbers.append(self._number)
                weight += len(line)
        if lines and not lines[-1].endswith(b"\n"):
            lines[-1] += b"\n"
        return Batch(index, lines, numbers, self._number, self._position(), rejected)

    def _pass_over(self) -> None:
        while (part := self._lines.readline(LONGEST)) and not part.endswith(b"\n"):
            pass

    def _position(self) -> int:
        return self._raw.tell() if self.size is not None else 0


@contextmanager
def opened(name: str) -> Iterator[Source]:
    """The file of that name, or a pipe, `-` being standard input; gzip is recognised by its content."""
    if name == "-":
        # Not sys.stdin: the interpreter closes that at its end, and aborts if a read still goes on.
        yield Source("standard input", os.fdopen(0, "rb", BUFFER, closefd=False), None)
        return
    try:
        raw = Path(name).open("rb", BUFFER)  # noqa: SIM115 - closed below, once it is known to be readable
        found = os.fstat(raw.fileno())
        regular = stat.S_ISREG(found.st_mode)
        source = Source(name, raw, found.st_size if regular else None)
    except OSError as problem:
        raise Refused(f"{name}: cannot be read ({problem.strerror}). Check its name and permissions.") from None
    # A pipe is left to the end of the process: closing it would wait for the read that goes on.
    with raw if regular else nullcontext():
        yield source
