"""Saves the progress of an import to disk, so that it can be resumed after any interruption."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from cli.connection import Endpoint
from errors import Refused


class SavedProgress(Protocol):
    """What is saved: how far an import is, and what became of its lines."""

    def as_json(self) -> dict[str, Any]: ...
    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self: ...


Saved = TypeVar("Saved", bound=SavedProgress)


class ProgressFile(Generic[Saved]):
    """The progress of importing one file, with its present size and time, to one server with one key."""

    def __init__(self, folder: Path, name: str, endpoint: Endpoint, of: type[Saved], purpose: str = "") -> None:
        """``folder``: the data directory; ``name``: path of the imported file; ``endpoint``: where it is sent; ``of``:
        the class of its progress; ``purpose``: what it is imported as, if not as facts."""
        found = Path(name).stat()
        # Server and key are part of the identity: the progress for one tenant is not that for another.
        file = (str(Path(name).resolve()), str(found.st_size), str(found.st_mtime_ns))
        identity = "\0".join((*file, endpoint.url, endpoint.key, *([purpose] if purpose else [])))
        digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
        self._of = of
        self._path = folder / "import" / f"{digest[:32]}.json"

    def load(self) -> Saved:
        """Returns the saved progress; an empty one if it cannot be read, since sending a line twice does no harm."""
        try:
            return self._of.from_json(json.loads(self._path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError):
            return self._of()

    def save(self, progress: Saved) -> None:
        """Replaces the saved progress atomically. Raises Refused if it cannot be written."""
        draft = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(progress.as_json()))
            draft.replace(self._path)
        except OSError as problem:
            raise Refused(f"{self._path}: cannot be written ({problem.strerror}). Set TETHER_DATA_DIR.") from None

    def forget(self) -> None:
        """Removes the file."""
        self._path.unlink(missing_ok=True)
