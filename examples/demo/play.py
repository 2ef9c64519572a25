"""Output of the demo: headings of situations, lines that describe each step, and checks that can fail."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

TIMEOUT = 30.0
"""Seconds for which a step waits for the expected result."""

LOOK = 0.05
"""Seconds between two attempts to read it."""

T = TypeVar("T")


class StepTimedOut(Exception):
    """A step waited for a result that did not appear in time."""

    def __init__(self, what: str, seconds: float, found: object) -> None:
        super().__init__(f"waited {seconds:g} s for {what}; the last result was: {shown(found)}")


@dataclass(frozen=True)
class DemoCheck:
    """The expected and the actual result of a step."""

    situation: str
    step: str
    expected: object
    found: object

    @property
    def good(self) -> bool:
        """Whether both are equal."""
        return self.expected == self.found


@dataclass
class Play:
    """Prints what happens on ``console``, and collects the checks."""

    console: Console
    checks: list[DemoCheck] = field(default_factory=list)
    finished: bool = False
    """Whether all situations have been played."""
    _situation: str = ""

    @property
    def failed(self) -> bool:
        """Whether a check failed, or none was made."""
        return not self.checks or any(not check.good for check in self.checks)

    def situation(self, title: str, about: str) -> None:
        """Prints a heading and a line of description."""
        self._situation = title
        self.console.print(f"\n[bold]{escape(title)}[/]\n[dim]{escape(about)}[/]", highlight=False)

    def say(self, line: str) -> None:
        """Prints a line about a step that was done."""
        self._line("·", "cyan", shown(line))

    def quote(self, sentence: str) -> None:
        """Prints an explanation that Tether gave."""
        self._line("“", "dim", f"{shown(sentence)}”", style="italic")

    def check(self, step: str, expected: object, found: object) -> None:
        """Compares the two values, and prints and records the outcome."""
        check = DemoCheck(self._situation, step, expected, found)
        self.checks.append(check)
        if check.good:
            self._line("✓", "green", f"{step}: {shown(found)}")
        else:
            self._line("✗", "bold red", f"{step}: expected {shown(expected)}, found {shown(found)}")

    async def reaches(
        self, step: str, expected: object, look: Callable[[], Awaitable[object]], *, within: float = TIMEOUT
    ) -> None:
        """Calls ``look`` until it returns ``expected``, for at most ``within`` seconds, then checks its last result."""
        end = monotonic() + within
        found = await look()
        while found != expected and monotonic() < end:
            await asyncio.sleep(LOOK)
            found = await look()
        self.check(step, expected, found)

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]], *, within: float = TIMEOUT) -> T:
        """Calls ``look`` until it returns a true value, and returns that.

        ``what`` describes it in the error. Raises StepTimedOut after ``within`` seconds.
        """
        end = monotonic() + within
        while not (found := await look()):
            if monotonic() >= end:
                raise StepTimedOut(what, within, found)
            await asyncio.sleep(LOOK)
        return found

    def table(self) -> Table:
        """A table of all checks: step, expected, found, and a mark."""
        table = Table(title="What happened", title_justify="left", title_style="bold", expand=False)
        table.add_column("Step", overflow="fold", ratio=5)
        table.add_column("Expected", overflow="fold", ratio=3)
        table.add_column("Found", overflow="fold", ratio=3)
        table.add_column("", width=1)
        before = ""
        for check in self.checks:
            if check.situation != before:
                before = check.situation
                table.add_section()
                table.add_row(Text(before, style="bold"))
            mark = Text("✓", style="green") if check.good else Text("✗", style="bold red")
            table.add_row(Text(check.step), Text(shown(check.expected)), Text(shown(check.found)), mark)
        return table

    def _line(self, mark: str, colour: str, text: str, style: str = "") -> None:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=1)
        grid.add_column(overflow="fold")
        grid.add_row(Text(mark, style=colour), Text(text, style=style))
        self.console.print(grid, highlight=False)


def shown(value: object) -> str:
    """A value as text for people; random keys and hashes are shortened to their first 8 characters."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return f"{value:,g}" if isinstance(value, float) else f"{value:,}"
        case str():
            return re.sub(r"\b([0-9a-f]{8})[0-9a-f]{24,}\b", r"\1…", value) or "nothing"
        case dict():
            return ", ".join(f"{shown(name)} {shown(one)}" for name, one in value.items()) or "nothing"
        case tuple():
            return " ".join(shown(one) for one in value)
        case list() | set():
            return ", ".join(shown(one) for one in value) or "nothing"
        case _:
            return str(value)
