"""Shows the progress of an import: a bar at a terminal; elsewhere only lines about interruptions."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class FactRate(ProgressColumn):
    """Facts per second since the file was started."""

    def render(self, task: Task) -> Text:
        """Returns the rate, rounded to whole facts."""
        elapsed = task.elapsed or 0.0
        return Text(f"{task.fields['facts'] / elapsed:,.0f}/s" if elapsed > 0.5 else "–/s")


class ProgressBar:
    """One bar per file, on stderr. Used in a ``with`` block."""

    def __init__(self, noun: str = "facts") -> None:
        """``noun``: what lines of the file are."""
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._visible = self._console.is_terminal
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TextColumn(f"{{task.fields[facts]:,}} {noun}"),
            FactRate(),
            TextColumn("left"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[notice]}", style="yellow", markup=False),
            console=self._console,
            refresh_per_second=4,
            disable=not self._visible,
        )
        self._task: TaskID | None = None
        self._away = False

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, name: str, size: int | None) -> None:
        """Adds a bar for the next file; ``size`` in bytes, None if unknown."""
        self._task = self._progress.add_task(name, total=size, facts=0, notice="")

    def show(self, position: int, facts: int) -> None:
        """Updates the bar: bytes of the file read, and facts recorded in this run."""
        if self._task is not None:
            self._progress.update(self._task, completed=position, facts=facts)

    def say(self, sentence: str) -> None:
        """Prints a line above the bar."""
        self._progress.console.print(sentence, soft_wrap=True)

    def notice(self, reason: str | None) -> None:
        """Says once that the server is away, for a reason, and once that it is back (None)."""
        away = reason is not None
        if away == self._away:
            return
        self._away = away
        if self._task is not None:
            self._progress.update(self._task, notice="waiting for the server" if away else "")
        self.say(f"Waiting for the server: {reason}" if away else "The server is back.")
