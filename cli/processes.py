"""The commands that run Tether's processes. Each imports what it runs only when it is called."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.environment import read_database, read_settings


def _port(of: str, default: int) -> Any:
    """The option for a port: ``of`` what, and the default, which `Settings` gives it."""
    return typer.Option(
        min=0, max=65535, rich_help_panel="Ports", metavar="PORT", help=f"{of}.", show_default=str(default)
    )


DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", show_default="TETHER_DATA_DIR, else .tether", help="Directory for all data."),
]


def up(
    port: Annotated[int | None, _port("API", 8080)] = None,
    postgres_port: Annotated[int | None, _port("PostgreSQL", 5499)] = None,
    temporal_port: Annotated[int | None, _port("Temporal", 7233)] = None,
    temporal_ui_port: Annotated[int | None, _port("Temporal's Web UI", 8233)] = None,
    data_dir: DataDir = None,
) -> None:
    """Run PostgreSQL, Temporal, API, dispatcher and worker on this machine.

    Ctrl-C stops all of them; the data is kept. Port 0 stands for any free port.
    """
    settings = read_settings(
        port=port,
        postgres_port=postgres_port,
        temporal_port=temporal_port,
        temporal_ui_port=temporal_ui_port,
        data_dir=data_dir,
    )
    from rich.console import Console

    from devstack.up import up as start

    raise typer.Exit(asyncio.run(start(settings, console=Console())))


def serve() -> None:
    """Run the API."""
    settings = read_settings()
    from api.server import run

    run(settings)


def worker() -> None:
    """Run a Temporal worker: workflows and activities."""
    settings = read_settings()
    from worker import run

    run(settings)


def dispatcher() -> None:
    """Run the dispatcher, which starts and signals workflows."""
    settings = read_settings()
    from dispatcher import run

    run(settings)


def migrate() -> None:
    """Migrate the database's schema. Run it before the other processes. `tether up` does it by itself."""
    settings = read_database("to migrate")
    from store.migrate import run

    for line in run(settings):
        typer.echo(line)


def restore_complete() -> None:
    """Say that the database was restored from a backup, before the other processes start.

    Positions in the feed that were issued before answer 410 from then on. Reads the running stack's database, if any.
    """
    settings = read_database("to begin an epoch in")
    from store.migrate import restore_complete as complete

    lines = complete(settings)
    for line in lines or ["no tenant has written anything: nothing to do"]:
        typer.echo(line)
