"""Saves the progress of an import to disk, so that it can be resumed after any interruption."""

import hashlib
import json
import os
from pathlib import Path

from cli.connection import Endpoint
from cli.imports.outcomes import FileProgress
from errors import Refused


class ProgressFile:
    """The progress of importing one file, with its present size and time, to one server with one key."""

    def __init__(self, folder: Path, name: str, endpoint: Endpoint) -> None:
        """``folder``: the data directory; ``name``: path of the imported file; ``endpoint``: where it is sent."""
        found = Path(name).stat()
        # Server and key are part of the identity: the progress for one tenant is not that for another.
        file = (str(Path(name).resolve()), str(found.st_size), str(found.st_mtime_ns))
        identity = "\0".join((*file, endpoint.url, endpoint.key))
        digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
        self._path = folder / "import" / f"{digest[:32]}.json"

    def load(self) -> FileProgress:
        """Returns the saved progress; an empty one if it cannot be read, since sending a line twice does no harm."""
        try:
            return FileProgress.from_json(json.loads(self._path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError):
            return FileProgress()

    def save(self, progress: FileProgress) -> None:
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
