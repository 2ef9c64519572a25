"""`tether merge plan` and `tether merge run`: arguments, and the report of a file at the end."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.connection import resolve_endpoint
from cli.environment import read_settings
from cli.imports.progress_bar import ProgressBar
from cli.merge_files.run import MergeFileRun, MergeOptions
from cli.merge_plans import show_plan
from cli.options import ApiKey, Format, Output, Url
from cli.output import note, printable, show_document, show_line
from errors import Refused, TetherError

From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="FILE",
        help="CSV with the columns survivor, loser, and optionally reason and kind; or NDJSON of objects with "
        "survivor, losers, and optionally reason and kind. Plain or gzipped.",
    ),
]
Kind = Annotated[
    str,
    typer.Argument(metavar="[KIND]", show_default=False, help="Kind of the entities; of a file: if no row names it."),
]
Report = Annotated[Path | None, typer.Option("--report", help="Write the outcome of each row to this file, as NDJSON.")]
Timeout = Annotated[float, typer.Option(min=0, help="Seconds to retry while the server is away.")]


def plan(
    kind: Kind = "",
    survivor: Annotated[
        str, typer.Argument(metavar="[SURVIVOR]", show_default=False, help="Key of the record that is to remain.")
    ] = "",
    losers: Annotated[
        list[str] | None,
        typer.Argument(metavar="[LOSER]...", show_default=False, help="Keys of the records that are the same."),
    ] = None,
    file: From = "",
    report: Report = None,
    timeout: Timeout = 120.0,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Preview a merge, or those of a file: what would be refused, row by row.

    Of a file, each 500 rows are worked out together; the plan that is printed is for `tether merge run`.

    Exits with 1 if rows of a file would be refused.
    """
    if not file:
        if not losers:
            raise Refused("`tether merge plan` takes KIND SURVIVOR LOSER…, or --from FILE.")
        show_plan(kind, survivor, losers, output, url, key)
        return
    if survivor:
        raise Refused("--from: takes keys from the file; leave out SURVIVOR and LOSER.")
    endpoint = resolve_endpoint(url, key)
    bar = ProgressBar("rows")
    run_ = MergeFileRun(MergeOptions(file, kind, read_settings().data_dir, report, timeout), endpoint, bar)
    _carry_out(run_, bar)
    _show(run_.as_json(), output, plan=True)
    if run_.progress.refused:
        raise Refused(f"Rows that would be refused: {run_.progress.refused}. The others can be run all the same.")


def run(
    file: From,
    plan: Annotated[
        str, typer.Option("--plan", metavar="PLAN", help="As `tether merge plan` printed it, or a file of its JSON.")
    ],
    kind: Kind = "",
    report: Report = None,
    timeout: Timeout = 120.0,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start at line 1, not where an earlier run stopped.")
    ] = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Merge the entities of a file, row by row as it was planned.

    After an interruption, the same command resumes where it stopped. A row of a plan has an effect once.

    Exits with 1 if a row was refused. Others are merged.
    """
    endpoint = resolve_endpoint(url, key)
    bar = ProgressBar("rows")
    options = MergeOptions(file, kind, read_settings().data_dir, report, timeout, restart)
    run_ = MergeFileRun(options, endpoint, bar, _plan(plan))
    _carry_out(run_, bar)
    _show(run_.as_json(), output, plan=False)
    if run_.progress.refused:
        raise Refused(
            f"Rows that were refused: {run_.progress.refused}. Correct them and run them as a file of their own."
        )


def _carry_out(run_: MergeFileRun, bar: ProgressBar) -> None:
    try:
        with bar:
            asyncio.run(run_.run())
    except KeyboardInterrupt:
        note(run_.stopped)
        raise
    except TetherError as problem:
        raise Refused(f"{problem} {run_.stopped}") from None


def _plan(given: str) -> str:
    """The plan of an option: itself, or what the file of that name holds. Raises Refused."""
    file = Path(given)
    if given.endswith(".json") or file.is_file():
        try:
            found = json.loads(file.read_bytes())["plan"]
        except (OSError, ValueError, KeyError, TypeError):
            raise Refused(f"--plan {given}: is no output of `tether merge plan -o json`.") from None
        given = found if isinstance(found, str) else ""
    if not all(given.partition(".")):
        raise Refused("--plan: is no plan. `tether merge plan` prints one.")
    return given


def _show(found: dict[str, Any], output: Format, *, plan: bool) -> None:
    if output is not Format.text:
        show_document(found) if output is Format.json else show_line(found)
        return
    for name in ("merged", "already_merged", "refused"):
        typer.echo(f"{name.replace('_', ' '):<16}{found[name]:>12,}")
    firsts = found["first_refused"]
    if firsts:
        typer.echo(f"refused, the first {len(firsts)}:" if found["refused"] > len(firsts) else "refused:")
    for one in firsts:
        typer.echo(f"  line {one['line']}  {one['because']}: {printable(one['reason'])}")
    typer.echo(f"{found['rows_per_second']:,} rows/s")
    typer.echo(f"plan            {found['plan']}" if plan else f"token           {found['token']}")
    if not plan and found["operations"]:
        last = found["operations"][-1]
        typer.echo(f"operations      {len(found['operations']):>12,}, which count what was conserved; the last:")
        typer.echo(f"                tether operations show {last}")
