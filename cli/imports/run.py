"""Imports files one after another: opens, goes on where it was, carries, remembers."""

import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from cli.connection import Connection
from cli.imports.lines import Source, opened
from cli.imports.outcomes import Rejected, Tally
from cli.imports.progress import State
from cli.imports.progress_bar import Bar
from cli.imports.reject_file import Rejects
from cli.imports.report import Report
from cli.imports.sender import Sender
from cli.imports.upload import Carrier

TIMEOUT = 60.0  # seconds until an answer that does not come is asked for again


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be imported, and how."""

    files: list[str]
    folder: Path
    """Where progress is remembered."""
    batch: int
    concurrency: int
    patience: float
    """Seconds that a server may be away."""
    restart: bool
    reject_file: Path | None


class Import:
    """One run. ``report`` is up to date at every moment, also after an interruption."""

    def __init__(self, plan: Plan, connection: Connection, bar: Bar) -> None:
        self.report = Report()
        self._plan = plan
        self._connection = connection
        self._bar = bar
        self._rejects = Rejects(plan.reject_file)
        self._states: dict[str, State] = {}
        self._place = ""

    async def run(self) -> None:
        """All files. What is remembered of them is forgotten only when all are done."""
        import httpx2

        begun = time.monotonic()
        try:
            async with httpx2.AsyncClient(
                headers=self._connection.headers,
                timeout=httpx2.Timeout(TIMEOUT, connect=5.0),
                trust_env=not self._connection.local,
            ) as http:
                sender = Sender(http, self._connection, self._plan.patience, self._bar.notice)
                for name in self._plan.files:
                    with opened(name) as source:
                        await self._import(name, source, sender)
        finally:
            self.report.seconds = time.monotonic() - begun
        for state in self._states.values():
            state.forget()

    @property
    def stopped(self) -> str:
        """Where an unfinished run stopped and how to go on, in a sentence."""
        if not self._place:
            return "Stopped before the first line."
        tally = self.report.tallies[self._place]
        if self._place not in self._states:
            return f"Stopped after line {tally.lines} of {self._place}; a stream cannot be gone back to."
        names = " ".join(shlex.quote(name) for name in self._plan.files)
        return f"Stopped after line {tally.lines} of {self._place}; `tether import {names}` goes on there."

    async def _import(self, name: str, source: Source, sender: Sender) -> None:
        state = State(self._plan.folder, name, self._connection) if source.size is not None else None
        tally = state.load() if state and not self._plan.restart else Tally()
        if state:
            self._states[name] = state
        self._place = name
        self.report.tallies[name] = tally
        if tally.lines:
            self._bar.say(f"Going on at line {tally.lines + 1} of {name}.")
            self._rejects.go_on()
        before, others = tally.facts, self.report.facts_now
        self._bar.begin(Path(source.name).name, source.size)

        def show(position: int) -> None:
            self.report.facts_now = others + tally.facts - before
            self._bar.show(position, tally.facts - before)

        def save(rejected: list[Rejected]) -> None:
            self._rejects.keep(rejected)
            if state:
                state.save(tally)

        carrier = Carrier(sender, tally, save=save, show=show, concurrency=self._plan.concurrency)
        await carrier.carry(source.batches(self._plan.batch, skip=tally.lines))
