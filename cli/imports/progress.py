"""Remembers how far a file has come, so that an import goes on where it was stopped, however it was."""

import hashlib
import json
import os
from pathlib import Path

from cli.connection import Connection
from cli.imports.outcomes import Tally
from errors import Refused


class State:
    """A small file beside the data, for one file's content and one destination."""

    def __init__(self, folder: Path, name: str, connection: Connection) -> None:
        found = Path(name).stat()
        # The destination is part of it: what one server or tenant has, another lacks.
        file = (str(Path(name).resolve()), str(found.st_size), str(found.st_mtime_ns))
        identity = "\0".join((*file, connection.url, connection.key))
        digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
        self._path = folder / "import" / f"{digest[:32]}.json"

    def load(self) -> Tally:
        """What was saved last; nothing, if that cannot be read: sending a line twice does no harm."""
        try:
            return Tally.from_json(json.loads(self._path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError):
            return Tally()

    def save(self, tally: Tally) -> None:
        """Replace what was saved, at once and whole."""
        draft = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(tally.as_json()))
            draft.replace(self._path)
        except OSError as problem:
            raise Refused(f"{self._path}: cannot be written ({problem.strerror}). Set TETHER_DATA_DIR.") from None

    def forget(self) -> None:
        """The import is over."""
        self._path.unlink(missing_ok=True)
