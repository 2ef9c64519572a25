"""Writes rejected lines to a file, so that they can be corrected and imported separately."""

from pathlib import Path

from cli.imports.outcomes import RejectedLine
from errors import Refused


class RejectFile:
    """A file of raw lines, in order. Without a path, nothing is written."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._begun = False

    def resume(self) -> None:
        """Appends to what an earlier run wrote."""
        self._begun = True

    def keep(self, rejected: list[RejectedLine]) -> None:
        """Appends lines. The first call of a new import empties the file. Raises Refused if it cannot be written."""
        if self._path is None or (self._begun and not rejected):
            return
        try:
            with self._path.open("ab" if self._begun else "wb") as file:
                file.writelines(one.raw for one in rejected)
        except OSError as problem:
            raise Refused(
                f"--reject-file {self._path}: cannot be written ({problem.strerror}). Choose another."
            ) from None
        self._begun = True
