"""What a play is made of: situations, lines that tell what happens, and checks that can fail."""

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
"""Seconds that a step waits for what it expects."""

LOOK = 0.05
"""Seconds between two looks."""

T = TypeVar("T")


class InVain(Exception):
    """Something did not come in time."""

    def __init__(self, what: str, seconds: float, found: object) -> None:
        super().__init__(f"waited {seconds:g} s for {what}; at last there was: {shown(found)}")


@dataclass(frozen=True)
class DemoCheck:
    """What a step should have come to, and what it did come to."""

    situation: str
    step: str
    expected: object
    found: object

    @property
    def good(self) -> bool:
        """They are equal, to the last value."""
        return self.expected == self.found


@dataclass
class Play:
    """Tells a person at ``console`` what happens, and remembers every check."""

    console: Console
    checks: list[DemoCheck] = field(default_factory=list)
    finished: bool = False
    """Whether all that was to be played has been."""
    _situation: str = ""

    @property
    def failed(self) -> bool:
        """Whether any check failed, or there was none."""
        return not self.checks or any(not check.good for check in self.checks)

    def situation(self, title: str, about: str) -> None:
        """A heading, and what it is about."""
        self._situation = title
        self.console.print(f"\n[bold]{escape(title)}[/]\n[dim]{escape(about)}[/]", highlight=False)

    def say(self, line: str) -> None:
        """Something was done."""
        self._line("·", "cyan", shown(line))

    def quote(self, words: str) -> None:
        """What Tether says of it, in its own words."""
        self._line("“", "dim", f"{shown(words)}”", style="italic")

    def check(self, step: str, expected: object, found: object) -> None:
        """Compares, and tells how it came out."""
        check = DemoCheck(self._situation, step, expected, found)
        self.checks.append(check)
        if check.good:
            self._line("✓", "green", f"{step}: {shown(found)}")
        else:
            self._line("✗", "bold red", f"{step}: expected {shown(expected)}, found {shown(found)}")

    async def reaches(
        self, step: str, expected: object, look: Callable[[], Awaitable[object]], *, within: float = TIMEOUT
    ) -> None:
        """Looks until it finds what is expected, or for so many seconds; either way that is a check."""
        end = monotonic() + within
        found = await look()
        while found != expected and monotonic() < end:
            await asyncio.sleep(LOOK)
            found = await look()
        self.check(step, expected, found)

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]], *, within: float = TIMEOUT) -> T:
        """The first thing that it finds. Raises InVain, which says what was waited for."""
        end = monotonic() + within
        while not (found := await look()):
            if monotonic() >= end:
                raise InVain(what, within, found)
            await asyncio.sleep(LOOK)
        return found

    def table(self) -> Table:
        """All checks: step, expected, found, and a mark."""
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
    """A value as people read it; random keys and hashes by their beginning."""
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
