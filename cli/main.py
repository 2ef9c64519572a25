"""The `tether` command: assembles the commands of ``cli/``."""

import sys

import typer
from typer.exceptions import TyperException

from cli import (
    activity,
    consumers,
    entities,
    erasures,
    events,
    feed,
    keys,
    links,
    merges,
    operations,
    plans,
    processes,
    quarantine,
    quarantine_runs,
    relationships,
    replicas,
    retention,
    waiting,
)
from cli.audits import audit
from cli.contracts import command as contracts
from cli.contracts.exports import export as export_contracts
from cli.deletions import delete
from cli.exports import export
from cli.imports.command import import_files
from cli.merge_files import command as merge_files
from cli.moves import move
from cli.snapshots import snapshot
from cli.verify import verify
from errors import TetherError

RUN, PUBLISH, CHANGE, READ, CHECK = "Run Tether", "Publish facts", "Start operations", "Read", "Verify"
INTERRUPTED = 130

app = typer.Typer(
    name="tether",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps the relationships between entities that independent services own.",
    epilog="Commands that call the API take --url and --key, or TETHER_URL and TETHER_KEY; -o json prints JSON.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (processes.up, processes.serve, processes.worker, processes.dispatcher, processes.migrate):
    app.command(rich_help_panel=RUN)(command)
app.command("restore-complete", rich_help_panel=RUN)(processes.restore_complete)
app.add_typer(keys.app, name="keys", rich_help_panel=RUN)
app.command("import", rich_help_panel=PUBLISH)(import_files)
app.add_typer(events.app, name="events", rich_help_panel=PUBLISH)
app.command(rich_help_panel=CHANGE)(move)
app.command(rich_help_panel=CHANGE)(delete)
app.command(rich_help_panel=CHANGE)(erasures.erase)
app.add_typer(plans.app, name="plan", rich_help_panel=CHANGE)
app.add_typer(merges.app, name="merge", rich_help_panel=CHANGE)
merges.app.command()(merge_files.plan)
merges.app.command()(merge_files.run)
app.add_typer(links.app, name="links", rich_help_panel=READ)
app.add_typer(relationships.app, name="relationships", rich_help_panel=READ)
app.add_typer(replicas.app, name="replicas", rich_help_panel=READ)
app.add_typer(waiting.app, name="waiting", rich_help_panel=READ)
app.add_typer(entities.app, name="entities", rich_help_panel=READ)
app.add_typer(activity.app, name="activity", rich_help_panel=READ)
app.add_typer(feed.app, name="feed", rich_help_panel=READ)
app.command(rich_help_panel=READ)(snapshot)
app.add_typer(consumers.app, name="consumers", rich_help_panel=READ)
consumers.app.command()(audit)
app.add_typer(operations.app, name="operations", rich_help_panel=READ)
quarantine_runs.add_to(quarantine.app)
app.add_typer(quarantine.app, name="quarantine", rich_help_panel=READ)
app.add_typer(erasures.app, name="erasures", rich_help_panel=READ)
app.add_typer(retention.app, name="retention", rich_help_panel=READ)
app.add_typer(contracts.app, name="contracts", rich_help_panel=CHECK)
contracts.app.command("export")(export_contracts)
app.command(rich_help_panel=CHECK)(verify)
app.command(rich_help_panel=CHECK)(export)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code. Errors are one line on stderr, never a traceback.

    ``arguments``: without the program's name; None: those of the process.
    """
    try:
        return int(app(arguments, prog_name="tether", standalone_mode=False) or 0)
    except TyperException as problem:
        context = getattr(problem, "ctx", None)
        message = problem.format_message().rstrip(".")
        where = f". See `{context.command_path} --help`." if context and message else ""
        return _fail(message + where, problem.exit_code)
    except TetherError as problem:
        return _fail(str(problem), 1)
    except KeyboardInterrupt:
        return INTERRUPTED


def _fail(message: str, code: int) -> int:
    if message:
        typer.echo(f"Error: {' '.join(message.split())}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
