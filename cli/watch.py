"""Waits for an operation to end and shows its progress: a bar at a terminal, otherwise lines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from cli.client import ApiClient, path
from cli.output import console, note, printable
from errors import Unavailable

if TYPE_CHECKING:
    from rich.console import Console

OPEN = ("waiting", "requested", "running")
"""States of an operation that has not ended."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0  # seconds between two requests
AWAY_TIMEOUT = 120.0  # seconds that the server may be away
PERIOD = 5.0  # seconds between two lines that differ only in counts

_ENDINGS = {
    "refused": "was refused",
    "expired": "has expired",
    "superseded": "was superseded",
    "cancelled": "was cancelled",
    "incomplete": "is incomplete",
    "done": "was done before it could be cancelled",
}

Show: TypeAlias = Callable[[dict[str, Any]], None]


def wait_for_end(tether: ApiClient, operation: dict[str, Any]) -> dict[str, Any]:
    """Returns the operation once it has ended. Raises Unavailable if the server stays away."""
    id, pause = operation["id"], FIRST_PAUSE
    try:
        with _shown(operation) as show:
            while operation["state"] in OPEN:
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE)
                operation = _read(tether, id)
                show(operation)
    except KeyboardInterrupt:
        note(
            f"Operation {id} continues. `tether operations watch {id}` watches it again, "
            f"`tether operations cancel {id}` cancels it."
        )
        raise
    return operation


def ending(operation: dict[str, Any]) -> str:
    """Returns a sentence on how an operation ended and why, for one that did not end as expected."""
    id, state = operation["id"], operation["state"]
    reason = printable(operation.get("reason") or "no reason was given")
    more = f" `tether operations children {id} --state parked` lists them." if state == "incomplete" else ""
    return f"Operation {id} {_ENDINGS.get(state, f'is {state}')}: {reason}.{more}"


def subject(operation: dict[str, Any]) -> str:
    """Returns what an operation does: ``move t1 to e2``, ``delete event e1``."""
    kind, parent, child = (operation.get(part) or "" for part in ("kind", "parent", "child"))
    entity = operation.get("entity")
    if entity:
        text = f"{kind} {entity['kind']} {entity['key']}"
    elif kind == "unlink":
        text = f"unlink {child} from {parent}"
    else:
        text = f"{kind} {child or operation.get('relationship') or ''}" + (f" to {parent}" if parent else "")
    return printable(text)


def obstacle(operation: dict[str, Any]) -> str:
    """Returns why an operation makes no progress; empty if it does, or has ended."""
    if operation["state"] not in OPEN:
        return ""
    if operation.get("stuck_since"):
        since = operation["stuck_since"][:19].replace("T", " ")
        return printable(f"stuck since {since} UTC: {operation.get('reason') or 'no reason was given'}")
    return "cancellation requested" if operation.get("cancellation_requested_at") else ""


def _read(tether: ApiClient, id: str) -> dict[str, Any]:
    """Returns the operation's present state. Retries while the server is away."""
    pause, waited = 0.0, 0.0
    while True:
        try:
            return tether.request("GET", path("operations", id), expects="state")
        except Unavailable as problem:
            if waited >= AWAY_TIMEOUT:
                raise
            if not waited:
                note(f"Retrying: {problem}")
            pause = min(max(problem.retry_after, pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
            waited += pause
            time.sleep(pause)


@contextmanager
def _shown(operation: dict[str, Any]) -> Iterator[Show]:
    err = console(err=True)
    if not err.is_terminal:
        yield ProgressLines().show
        return
    with _bar(operation, err) as show:
        yield show


class ProgressLines:
    """Prints a line for each change of state or obstacle, and of the counts every few seconds."""

    def __init__(self) -> None:
        self._shown_state = ("", "")
        self._shown_line = ""
        self._shown_at = 0.0

    def show(self, operation: dict[str, Any]) -> None:
        """Prints what has changed; nothing for an operation that has ended, because its result is printed."""
        if operation["state"] not in OPEN:
            return
        state = operation["state"], obstacle(operation)
        line = ", ".join(part for part in (operation["state"], _sums(operation), state[1]) if part)
        if state == self._shown_state and (line == self._shown_line or time.monotonic() - self._shown_at < PERIOD):
            return
        self._shown_state, self._shown_line, self._shown_at = state, line, time.monotonic()
        note(f"{subject(operation)}: {line}")


def _sums(operation: dict[str, Any]) -> str:
    progress = operation.get("progress")
    if not progress:
        return ""
    parked = f", {progress['parked']:,} parked" if progress["parked"] else ""
    return f"{progress['confirmed'] + progress['skipped']:,} of {progress['total']:,}{parked}"


@contextmanager
def _bar(operation: dict[str, Any], err: "Console") -> Iterator[Show]:
    # Imported here, because it would slow down `tether --help`.
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[sums]}", markup=False),
        TextColumn("{task.fields[parked]}", style="red", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[notice]}", style="yellow", markup=False),
    )
    with Progress(*columns, console=err, refresh_per_second=5) as progress:
        task = progress.add_task(subject(operation), total=None, sums="", parked="", notice="")
        shown = ""

        def show(now: dict[str, Any]) -> None:
            nonlocal shown
            sums = now.get("progress") or {"total": 0, "confirmed": 0, "skipped": 0, "parked": 0}
            through = sums["confirmed"] + sums["skipped"]
            ended = now["state"] not in OPEN
            progress.update(
                task,
                # While the number of children is unknown, the bar pulses; not after the end.
                total=sums["total"] or (1 if ended else None),
                completed=through or (1 if ended and not sums["total"] else 0),
                sums=f"{through:,} of {sums['total']:,}" if sums["total"] else now["state"],
                parked=f"{sums['parked']:,} parked" if sums["parked"] else "",
                notice=obstacle(now).partition(" since ")[0],
            )
            if (why := obstacle(now)) not in ("", shown):  # a line of its own, above the bar: reasons are long
                progress.console.print(why, style="yellow", soft_wrap=True)
            shown = why

        show(operation)
        yield show
