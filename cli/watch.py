"""Waits for an operation to end, and shows meanwhile how far it is: a bar at a terminal, otherwise lines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from cli.client import Client, path
from cli.output import console, note, printable
from errors import Unavailable

if TYPE_CHECKING:
    from rich.console import Console

OPEN = ("waiting", "requested", "running")
"""States that are no end."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0  # seconds between two looks
PATIENCE = 120.0  # seconds that the server may be away
PERIOD = 5.0  # seconds between two lines that say no more than how far it is

_ENDINGS = {
    "refused": "was refused",
    "expired": "has expired",
    "superseded": "was superseded",
    "cancelled": "was cancelled",
    "incomplete": "is incomplete",
    "done": "was done before it could be stopped",
}

Show: TypeAlias = Callable[[dict[str, Any]], None]


def follow(tether: Client, operation: dict[str, Any]) -> dict[str, Any]:
    """The operation as it ended. Ctrl-C says how to go on; raises Unavailable if the server stays away."""
    id, pause = operation["id"], FIRST_PAUSE
    try:
        with _shown(operation) as show:
            while operation["state"] in OPEN:
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE)
                operation = _look(tether, id)
                show(operation)
    except KeyboardInterrupt:
        note(
            f"Operation {id} goes on. `tether operations watch {id}` looks at it again, "
            f"`tether operations cancel {id}` stops it."
        )
        raise
    return operation


def ending(operation: dict[str, Any]) -> str:
    """How an operation ended that did not end as it was wished, and why."""
    id, state = operation["id"], operation["state"]
    reason = printable(operation.get("reason") or "no reason was given")
    more = f" `tether operations children {id} --state parked` lists them." if state == "incomplete" else ""
    return f"Operation {id} {_ENDINGS.get(state, f'is {state}')}: {reason}.{more}"


def subject(operation: dict[str, Any]) -> str:
    """What it is about: ``move t1 to e2``, ``delete event e1``."""
    kind, parent, child = (operation.get(part) or "" for part in ("kind", "parent", "child"))
    entity = operation.get("entity")
    if entity:
        words = f"{kind} {entity['kind']} {entity['key']}"
    elif kind == "unlink":
        words = f"unlink {child} from {parent}"
    else:
        words = f"{kind} {child or operation.get('relationship') or ''}" + (f" to {parent}" if parent else "")
    return printable(words)


def standing(operation: dict[str, Any]) -> str:
    """Why it does not go on; where nothing is wrong, nothing."""
    if operation["state"] not in OPEN:
        return ""
    if operation.get("stuck_since"):
        since = operation["stuck_since"][:19].replace("T", " ")
        return printable(f"stuck since {since} UTC: {operation.get('reason') or 'no reason was given'}")
    return "is to stop" if operation.get("cancelled") else ""


def _look(tether: Client, id: str) -> dict[str, Any]:
    """How it is now. A server that is away is waited for: its first answer proved the address right."""
    pause, waited = 0.0, 0.0
    while True:
        try:
            return tether.ask("GET", path("operations", id), holds="state")
        except Unavailable as problem:
            if waited >= PATIENCE:
                raise
            if not waited:
                note(f"Trying again: {problem}")
            pause = min(max(problem.retry_after, pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
            waited += pause
            time.sleep(pause)


@contextmanager
def _shown(operation: dict[str, Any]) -> Iterator[Show]:
    err = console(err=True)
    if not err.is_terminal:
        yield Lines().show
        return
    with _bar(operation, err) as show:
        yield show


class Lines:
    """A line for each change that matters; mere progress now and then."""

    def __init__(self) -> None:
        self._told = ("", "")
        self._said = ""
        self._at = 0.0

    def show(self, operation: dict[str, Any]) -> None:
        """Says what is new; of an end nothing, for that is the answer."""
        if operation["state"] not in OPEN:
            return
        told = operation["state"], standing(operation)
        said = ", ".join(part for part in (operation["state"], _sums(operation), told[1]) if part)
        if told == self._told and (said == self._said or time.monotonic() - self._at < PERIOD):
            return
        self._told, self._said, self._at = told, said, time.monotonic()
        note(f"{subject(operation)}: {said}")


def _sums(operation: dict[str, Any]) -> str:
    progress = operation.get("progress")
    if not progress:
        return ""
    parked = f", {progress['parked']:,} parked" if progress["parked"] else ""
    return f"{progress['confirmed'] + progress['skipped']:,} of {progress['total']:,}{parked}"


@contextmanager
def _bar(operation: dict[str, Any], err: "Console") -> Iterator[Show]:
    # Imported here, because it takes longer than most of what `tether --help` does.
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
        told = ""

        def show(now: dict[str, Any]) -> None:
            nonlocal told
            sums = now.get("progress") or {"total": 0, "confirmed": 0, "skipped": 0, "parked": 0}
            through = sums["confirmed"] + sums["skipped"]
            ended = now["state"] not in OPEN
            progress.update(
                task,
                # While nothing is known of children the bar only pulses; at an end it does not.
                total=sums["total"] or (1 if ended else None),
                completed=through or (1 if ended and not sums["total"] else 0),
                sums=f"{through:,} of {sums['total']:,}" if sums["total"] else now["state"],
                parked=f"{sums['parked']:,} parked" if sums["parked"] else "",
                notice=standing(now).partition(" since ")[0],
            )
            if (why := standing(now)) not in ("", told):  # a line of its own, above the bar: reasons are long
                progress.console.print(why, style="yellow", soft_wrap=True)
            told = why

        show(operation)
        yield show
