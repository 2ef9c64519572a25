"""Reads the rows of a file of merges: CSV with a header, or NDJSON."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

import orjson

from cli.imports.lines import opened
from errors import Refused

COLUMNS = ("survivor", "loser", "reason", "kind")
"""Of a CSV file; the last two may be missing."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row. ``line``: its number in the file, from 1; ``bad``: what is wrong with it; empty: nothing."""

    line: int
    kind: str = ""
    survivor: str = ""
    losers: tuple[str, ...] = ()
    reason: str = ""
    bad: str = ""

    def id(self, plan: str) -> str:
        """The id of its merge: the same for the same row of the same plan, wherever it is in the file."""
        parts = [plan, self.kind, self.survivor, sorted(self.losers)]
        return blake2b(orjson.dumps(parts), digest_size=16).hexdigest()


class RowReader:
    """Reads lines of one file. ``kind``: of the rows that name none."""

    def __init__(self, name: str, kind: str) -> None:
        """Raises Refused for a CSV file whose header has not the columns survivor and loser."""
        self._kind = kind
        self._columns: list[str] = []
        self._header = 0
        with opened(name) as source:
            first = next(iter(source.batches(1, 0)))
        if first.lines and not first.lines[0].lstrip().startswith(b"{"):
            self._header = first.numbers[0]
            self._columns = [column.strip().lower() for column in _fields(first.lines[0])]
            missing = [column for column in COLUMNS[:2] if column not in self._columns]
            if missing or (extra := [c for c in self._columns if c not in COLUMNS]):
                raise Refused(
                    f"{name}: line {self._header} is no header of merges: "
                    + (f"the column {missing[0]} is missing" if missing else f"no column is called {extra[0]!r}")
                    + ". Columns are survivor, loser, and optionally reason and kind; or write a JSON object per line."
                )

    def row(self, line: bytes, number: int) -> FileRow | None:
        """The row of a line; None: it is the header. ``number``: of the line."""
        if number == self._header:
            return None
        try:
            return self._csv(line, number) if self._columns else self._json(line, number)
        except ValueError as problem:  # also of orjson, and of text that is no UTF-8
            return FileRow(number, bad=str(problem))

    def _csv(self, line: bytes, number: int) -> FileRow:
        fields = _fields(line)
        if len(fields) != len(self._columns):
            raise ValueError(f"has {len(fields)} fields instead of {len(self._columns)}")
        row = dict(zip(self._columns, fields, strict=True))
        return self._checked(number, row.get("kind", ""), row["survivor"], [row["loser"]], row.get("reason", ""))

    def _json(self, line: bytes, number: int) -> FileRow:
        row = orjson.loads(line)
        if not isinstance(row, dict):
            raise ValueError("is no JSON object")
        if extra := row.keys() - {"kind", "survivor", "losers", "reason"}:
            raise ValueError(f"no field is called {min(extra)!r}; fields are survivor, losers, reason and kind")
        kind, reason = row.get("kind", ""), row.get("reason", "")
        return self._checked(number, kind, row.get("survivor"), row.get("losers"), reason)

    def _checked(self, number: int, kind: Any, survivor: Any, losers: Any, reason: Any) -> FileRow:
        if not (
            isinstance(losers, list) and losers and all(isinstance(key, str) and key for key in [survivor, *losers])
        ):
            raise ValueError("survivor must be a key, and there must be at least one loser")
        if not isinstance(kind, str) or not isinstance(reason, str):
            raise ValueError("kind and reason must be texts")
        kind = kind or self._kind
        if not kind:
            raise ValueError("names no kind; give one after `tether merge plan` and `run`")
        return FileRow(number, kind, survivor, tuple(losers), reason)


def digest(name: str, kind: str) -> str:
    """What makes a file of merges the same: its bytes, and the kind of rows that name none. Raises Refused."""
    try:
        with Path(name).open("rb") as file:
            found = sha256(kind.encode() + b"\0")
            while part := file.read(1024 * 1024):
                found.update(part)
    except OSError as problem:
        raise Refused(f"{name}: cannot be read ({problem.strerror}). Check its name and permissions.") from None
    return found.hexdigest()[:32]


def _fields(line: bytes) -> list[str]:
    fields = list(csv.reader([line.decode()], strict=True))
    return fields[0] if fields else []
