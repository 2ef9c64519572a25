"""`tether import FILE…`"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli.connection import connect
from cli.environment import read_settings
from cli.options import Format, Key, Output, Url
from cli.output import note
from errors import Refused, TetherError

FLOW = "Flow"


def import_files(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="NDJSON of CloudEvents, gzipped or not; `-`: stdin."),
    ],
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="Facts in one request.", rich_help_panel=FLOW)] = 500,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests in flight.", rich_help_panel=FLOW)] = 4,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds that the server may be away.", rich_help_panel=FLOW)
    ] = 120.0,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin at line 1, also if an earlier import was stopped.")
    ] = False,
    reject_file: Annotated[Path | None, typer.Option(help="Keep the lines here that are no CloudEvents.")] = None,
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """Import whole files of facts.

    Whatever dies in between, the same command goes on where it stopped: nothing is lost, and what is
    sent twice is counted as a duplicate. Fails if a line is no CloudEvent; the others are imported.
    """
    from cli.imports.progress_bar import Bar
    from cli.imports.run import Import, Plan

    plan = Plan(
        files=list(dict.fromkeys(files)),
        folder=read_settings().data_dir,
        batch=batch,
        concurrency=concurrency,
        patience=patience,
        restart=restart,
        reject_file=reject_file,
    )
    bar = Bar()
    run = Import(plan, connect(url, key), bar)
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
        raise Refused(f"Lines that are no CloudEvents: {run.report.rejected}. Mend them and import them by themselves.")
