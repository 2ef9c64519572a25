"""The report of a file of merges: one JSON object per row, in the order of the file."""

from collections.abc import Iterable
from pathlib import Path

import orjson

from cli.merge_files.outcomes import MergeProgress, RowOutcomes
from errors import Refused


class MergeReportFile:
    """A file to which outcomes are appended. Without a path, nothing is written."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def begin(self, progress: MergeProgress) -> None:
        """Cuts the file to what is reported of the rows that are done: an interrupted run may have written more."""
        if self._path is not None:
            self._write(progress.reported, b"")

    def append(self, outcomes: Iterable[RowOutcomes], progress: MergeProgress) -> None:
        """Appends rows, and counts their bytes in ``progress``. Raises Refused if the file cannot be written."""
        if self._path is None:
            return
        lines = b"".join(orjson.dumps(row.as_json()) + b"\n" for outcome in outcomes for row in outcome.rows)
        self._write(progress.reported, lines)
        progress.reported += len(lines)

    def _write(self, place: int, content: bytes) -> None:
        assert self._path is not None
        try:
            with self._path.open("r+b" if self._path.exists() else "w+b") as file:
                file.seek(place)
                file.write(content)
                file.truncate()
        except OSError as problem:
            raise Refused(f"--report {self._path}: cannot be written ({problem.strerror}). Choose another.") from None
