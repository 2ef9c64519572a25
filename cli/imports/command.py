"""`tether import FILE…`: options, and the report at the end."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli.connection import resolve_endpoint
from cli.environment import read_settings
from cli.options import ApiKey, Format, Output, Url
from cli.output import note
from errors import Refused, TetherError

FLOW = "Flow"


def import_files(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="NDJSON file of CloudEvents, plain or gzipped; `-`: standard input."),
    ],
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="Facts per request.", rich_help_panel=FLOW)] = 500,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests in flight.", rich_help_panel=FLOW)] = 4,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to retry while the server is away.", rich_help_panel=FLOW)
    ] = 120.0,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start at line 1, not where an earlier import stopped.")
    ] = False,
    reject_file: Annotated[Path | None, typer.Option(help="Write rejected lines to this file.")] = None,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Import files of facts.

    After an interruption, the same command resumes where it stopped; lines sent twice are counted as duplicates.

    Exits with 1 if a line was rejected: it is no CloudEvent, or its key may not publish it. Others are imported.
    """
    from cli.imports.progress_bar import ProgressBar
    from cli.imports.run import ImportOptions, ImportRun

    options = ImportOptions(
        files=list(dict.fromkeys(files)),
        folder=read_settings().data_dir,
        batch=batch,
        concurrency=concurrency,
        timeout=timeout,
        restart=restart,
        reject_file=reject_file,
    )
    bar = ProgressBar()
    run = ImportRun(options, resolve_endpoint(url, key), bar)
    try:
        with bar:
            asyncio.run(run.run())
    except KeyboardInterrupt:
        note(run.stopped)
        raise
    except TetherError as problem:
        raise Refused(f"{problem} {run.stopped}") from None
    run.report.show(output)
    if run.report.rejected:
        raise Refused(f"Lines that were rejected: {run.report.rejected}. Correct them and import them separately.")
