"""Imports files one after another, each from where an earlier run stopped."""

import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from cli.connection import Endpoint
from cli.imports.checkpoint import ProgressFile
from cli.imports.lines import LineBatch, LineSource, opened
from cli.imports.outcomes import BatchOutcome, FileProgress
from cli.imports.progress_bar import ProgressBar
from cli.imports.reject_file import RejectFile
from cli.imports.report import ImportReport
from cli.imports.sender import BatchSender
from cli.imports.upload import Uploader
from facts.exported import HEADER

FACTS, IMPORT = "/v1/events", "/v1/import"
TIMEOUT = 60.0  # seconds for a response, after which the request is sent again


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Which files to import, and how."""

    files: list[str]
    folder: Path
    """Data directory, in which progress files are kept."""
    batch: int
    """Facts per request."""
    concurrency: int
    """Requests in flight."""
    timeout: float
    """Seconds to retry while the server is away."""
    restart: bool
    reject_file: Path | None


class ImportRun:
    """One run of `tether import`. ``report`` is always up to date, also after an interruption."""

    def __init__(self, options: ImportOptions, endpoint: Endpoint, bar: ProgressBar) -> None:
        self.report = ImportReport()
        self._options = options
        self._endpoint = endpoint
        self._bar = bar
        self._rejects = RejectFile(options.reject_file)
        self._files: dict[str, ProgressFile[FileProgress]] = {}
        self._current = ""

    async def run(self) -> None:
        """Imports all files. Their progress files are removed only after all are done."""
        import httpx2

        begun = time.monotonic()
        try:
            async with httpx2.AsyncClient(
                headers=self._endpoint.headers,
                timeout=httpx2.Timeout(TIMEOUT, connect=5.0),
                trust_env=not self._endpoint.local,
            ) as http:
                for name in self._options.files:
                    with opened(name) as source:
                        exported = source.begins_with(HEADER)
                        sender = BatchSender(
                            http,
                            self._endpoint,
                            self._options.timeout,
                            self._bar.notice,
                            path=IMPORT if exported else FACTS,
                        )
                        await self._import(name, source, sender, exported)
        finally:
            self.report.seconds = time.monotonic() - begun
        for state in self._files.values():
            state.forget()

    @property
    def stopped(self) -> str:
        """A sentence that says where an unfinished run stopped and how to resume it."""
        if not self._current:
            return "Stopped before the first line."
        progress = self.report.progress_of[self._current]
        if self._current not in self._files:
            return f"Stopped after line {progress.lines} of {self._current}; a stream cannot be resumed."
        names = " ".join(shlex.quote(name) for name in self._options.files)
        return f"Stopped after line {progress.lines} of {self._current}; `tether import {names}` resumes there."

    async def _import(self, name: str, source: LineSource, sender: BatchSender, exported: bool) -> None:
        """``exported``: the file is an export, whose first line is no fact, and whose others keep their order."""
        state = (
            ProgressFile(self._options.folder, name, self._endpoint, FileProgress) if source.size is not None else None
        )
        progress = state.load() if state and not self._options.restart else FileProgress()
        if state:
            self._files[name] = state
        self._current = name
        self.report.progress_of[name] = progress
        if progress.lines:
            self._bar.say(f"Resuming at line {progress.lines + 1} of {name}.")
            self._rejects.resume()
        before, others = progress.facts, self.report.facts_now
        self._bar.begin(Path(source.name).name, source.size)

        def show(position: int) -> None:
            self.report.facts_now = others + progress.facts - before
            self._bar.show(position, progress.facts - before)

        def save(outcomes: list[BatchOutcome]) -> None:
            self._rejects.keep([rejected for outcome in outcomes for rejected in outcome.rejected])
            if state:
                state.save(progress)

        concurrency = 1 if exported else self._options.concurrency
        uploader = Uploader(sender, progress, save=save, show=show, concurrency=concurrency)
        batches = source.batches(self._options.batch, skip=progress.lines)
        await uploader.upload(map(_without_header, batches) if exported else batches)


def _without_header(batch: LineBatch) -> LineBatch:
    if batch.numbers[:1] == [1]:
        batch.lines, batch.numbers = batch.lines[1:], batch.numbers[1:]
    return batch
