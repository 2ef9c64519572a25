"""The file that keeps what the server would not take, so that it can be mended and imported by itself."""

from pathlib import Path

from cli.imports.outcomes import Rejected
from errors import Refused


class Rejects:
    """Raw lines, in their order. Without a path, nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._begun = False

    def go_on(self) -> None:
        """Keep what an earlier run has written."""
        self._begun = True

    def keep(self, rejected: list[Rejected]) -> None:
        """Write some more. The first call of a new import begins the file anew."""
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
