"""Errors while the embedded stack starts or runs. Each message names the thing, the reason and the remedy.

StackError (a TetherError)
 ├─ PortTaken         another process listens there
 ├─ DirectoryLocked   another stack runs on the same data
 ├─ DataUnusable      the data directory cannot be used as it is
 └─ PartFailed        a part died, or never became ready
"""

import signal
from pathlib import Path

from errors import TetherError


class StackError(TetherError):
    """The stack cannot start or continue. The text is printed to the user."""


class PortTaken(StackError):
    """Another process listens on a port that a part needs."""

    def __init__(self, port: int, what: str, setting: str) -> None:
        super().__init__(f"port {port} ({what}) is taken; set {setting} to another, or to 0 for any free one")


class DirectoryLocked(StackError):
    """Another stack runs on this data directory."""

    def __init__(self, directory: Path, holder: str) -> None:
        super().__init__(
            f"data directory {directory} is in use by another `tether up` (pid {holder}); "
            f"stop that one (kill {holder}), or set TETHER_DATA_DIR to another directory"
        )


class DataUnusable(StackError):
    """The data directory is of another version, belongs to another user, or is not accessible."""


class PartFailed(StackError):
    """A part died or never became ready. The message ends with the last lines of its log."""

    def __init__(self, part: str, what: str, log: Path) -> None:
        lines = last_lines(log)
        shown = "\n".join(f"  {line}" for line in lines) if lines else "  (empty)"
        super().__init__(f"{part} {what}; log: {log}\nits last lines:\n{shown}")


def last_lines(log: Path, count: int = 12, width: int = 240) -> list[str]:
    """The last lines of a log; none if it does not exist.

    `count`: at most so many lines; `width`: longer lines are cut after so many characters.
    """
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 16_384))
            lines = file.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []
    return [line if len(line) <= width else f"{line[:width]} …" for line in lines]


def how_it_ended(code: int) -> str:
    """Describes a process's return code; a negative one means a signal, as in :mod:`subprocess`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
