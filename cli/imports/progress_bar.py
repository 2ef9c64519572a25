"""Shows how an import is getting on: a bar at a terminal, otherwise a line for what must not go unnoticed."""

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


class Rate(ProgressColumn):
    """Facts a second since the file was begun."""

    def render(self, task: Task) -> Text:
        """Rounded to whole facts."""
        elapsed = task.elapsed or 0.0
        return Text(f"{task.fields['facts'] / elapsed:,.0f}/s" if elapsed > 0.5 else "–/s")


class Bar:
    """One bar per file, on stderr. Used in a ``with`` block."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._visible = self._console.is_terminal
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[facts]:,} facts"),
            Rate(),
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
        """The next file; ``size`` in bytes, None if unknown."""
        self._task = self._progress.add_task(name, total=size, facts=0, notice="")

    def show(self, position: int, facts: int) -> None:
        """Where the file stands: bytes done, and facts done in this run."""
        if self._task is not None:
            self._progress.update(self._task, completed=position, facts=facts)

    def say(self, sentence: str) -> None:
        """A line that stays."""
        self._progress.console.print(sentence, soft_wrap=True)

    def notice(self, reason: str | None) -> None:
        """Why the server is being waited for; None: it is not. Said once, however often it is reported."""
        away = reason is not None
        if away == self._away:
            return
        self._away = away
        if self._task is not None:
            self._progress.update(self._task, notice="waiting for the server" if away else "")
        self.say(f"Waiting for the server: {reason}" if away else "The server is back.")
