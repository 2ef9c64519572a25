"""Plans or runs the merges of a file, from where an earlier run stopped."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.connection import Endpoint
from cli.imports.checkpoint import ProgressFile
from cli.imports.lines import opened
from cli.imports.poster import RetryingPoster
from cli.imports.progress_bar import ProgressBar
from cli.imports.run import TIMEOUT
from cli.imports.upload import Uploader
from cli.merge_files.outcomes import MergeProgress, RowOutcomes
from cli.merge_files.report_file import MergeReportFile
from cli.merge_files.rows import RowReader, digest
from cli.merge_files.sender import BATCH, HEADERS, MergeSender
from errors import Refused


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """Which file to merge, and how. ``kind``: of rows that name none; ``folder``: the data directory."""

    file: str
    kind: str
    folder: Path
    report: Path | None
    timeout: float
    restart: bool = False


class MergeFileRun:
    """One run over a file. ``plan``: by which its merges are named; empty: it is a preview, and keeps no progress.

    ``progress`` is always up to date, also after an interruption.
    """

    def __init__(self, options: MergeOptions, endpoint: Endpoint, bar: ProgressBar, plan: str = "") -> None:
        self.progress = MergeProgress()
        self.seconds = 0.0
        self._rows_now = 0
        self._options = options
        self._endpoint = endpoint
        self._bar = bar
        self._plan = plan
        self._report = MergeReportFile(options.report)
        self._digest = digest(options.file, options.kind)
        if plan and plan.rpartition(".")[2] != self._digest:
            raise Refused(
                f"{options.file}: is not the file of this plan, or KIND is another. `tether merge plan --from "
                f"{options.file}` makes a new one."
            )

    async def run(self) -> None:
        """Sends all rows, one batch after another: rows are decided in the order of the file."""
        import httpx2

        begun = time.monotonic()
        options, reader = self._options, RowReader(self._options.file, self._options.kind)
        saved = ProgressFile(options.folder, options.file, self._endpoint, MergeProgress, f"merges {self._plan}")
        if self._plan and not options.restart:
            self.progress = saved.load()
        if self.progress.lines:
            self._bar.say(f"Resuming at line {self.progress.lines + 1} of {options.file}.")
        self._report.begin(self.progress)
        before = self.progress.rows
        try:
            async with httpx2.AsyncClient(
                headers=self._endpoint.headers,
                timeout=httpx2.Timeout(TIMEOUT, connect=5.0),
                trust_env=not self._endpoint.local,
            ) as http:
                poster = RetryingPoster(http, self._endpoint, options.timeout, self._bar.notice, headers=HEADERS)
                with opened(options.file) as source:
                    self._bar.begin(Path(source.name).name, source.size)

                    def save(outcomes: list[RowOutcomes]) -> None:
                        self._report.append(outcomes, self.progress)
                        if self._plan:
                            saved.save(self.progress)

                    def show(position: int) -> None:
                        self._rows_now = self.progress.rows - before
                        self._bar.show(position, self._rows_now)

                    sender = MergeSender(poster, reader, self._plan)
                    uploader = Uploader(sender, self.progress, save=save, show=show, concurrency=1)
                    await uploader.upload(source.batches(BATCH, skip=self.progress.lines))
        finally:
            self.seconds = time.monotonic() - begun
        saved.forget()

    @property
    def stopped(self) -> str:
        """A sentence that says where an unfinished run stopped."""
        more = "the same command resumes there." if self._plan else "nothing was changed."
        return f"Stopped after line {self.progress.lines} of {self._options.file}; {more}"

    def as_json(self) -> dict[str, Any]:
        """The counts of all rows, those of earlier runs included; of a preview also the plan that it stands for."""
        counted = self.progress.as_json()
        del counted["reported"]
        rate = round(self._rows_now / self.seconds) if self.seconds else 0
        plan = self._plan or f"{self.progress.token}.{self._digest}"
        return {**counted, "seconds": round(self.seconds, 3), "rows_per_second": rate, "plan": plan}
