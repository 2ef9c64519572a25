"""``python -m examples.demo``: runs a whole Tether on this machine, and plays the situations on it.

The demo works in the folder ``demo`` of the data directory (``.tether/demo``), which it empties first, and on free
ports, unless ``TETHER_PORT`` and the like name others. ``--only SITUATION…`` plays some of the situations. With
``--once`` it ends after the last situation, with exit code 1 if a check has failed; without, it keeps running until
Ctrl-C.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console

from cli.environment import read_settings
from config import Settings
from devstack.errors import StackError
from devstack.ports import free_port
from devstack.processes import MARK
from devstack.stack import Urls
from devstack.up import INTERRUPTED, up
from errors import TetherError
from examples.demo import farewell, performance
from examples.demo.folder import emptied
from examples.demo.owner import DemoOwner
from examples.demo.play import Play
from examples.demo.stage import TENANT

WIDTH = 110
"""Columns of the output when it is not a terminal."""

OWNERS = ("groups", "channels", "events", "teams", "people", "activities", "tickets", "users")
MISBEHAVING = "teams"

PORTS = ("port", "postgres_port", "temporal_port", "temporal_ui_port")


def main() -> int:
    """Runs the demo with the arguments of the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.demo", description="Run Tether and play the situations on it."
    )
    parser.add_argument(
        "--once", action="store_true", help="end after the last situation; exit code 1 if a check failed"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=performance.SITUATIONS,
        default=[*performance.SITUATIONS],
        metavar="SITUATION",
        help=f"play only these: {', '.join(performance.SITUATIONS)}",
    )
    arguments = parser.parse_args()
    try:
        settings = _settings()
        return asyncio.run(_run(settings, arguments.only, bool(arguments.once)))
    except (TetherError, StackError) as error:
        print(error, file=sys.stderr)
        return 1


def _settings() -> Settings:
    """Settings of the embedded profile with an empty data directory; database, catalog and owners are the demo's."""
    configured = read_settings()
    free = {name: 0 for name in PORTS if name not in configured.model_fields_set}
    return configured.model_copy(
        update={
            **free,
            "data_dir": emptied(configured.data_dir / "demo"),
            "host": "127.0.0.1",
            "database_url": "",
            "temporal_ui_url": "",
            "tenant": TENANT,
            "catalog": (),
            # Chosen before the stack starts: the worker needs the addresses of the owners.
            "owners": {name: f"http://127.0.0.1:{free_port()}" for name in OWNERS},
        }
    )


async def _run(settings: Settings, only: Sequence[str], once: bool) -> int:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    play = Play(console)
    environ = _environ(settings)
    owners = {
        name: DemoOwner(name, int(url.rpartition(":")[2]), settings.data_dir, misbehaves=name == MISBEHAVING)
        for name, url in settings.owners.items()
    }

    async def once_ready(where: Urls) -> None:
        async with performance.opened(play, where, settings.data_dir, owners, environ) as stage:
            await performance.situations(stage, only)
            console.print()
            console.print(play.table())
            performance.verdict(play)
            if not once:
                await farewell.show(stage)
                await asyncio.Event().wait()

    console.print("[bold]Tether: services publish facts about their entities; Tether keeps the links between them[/]\n")
    code = await up(settings, console=console, once_ready=once_ready, environ=environ)
    if code == INTERRUPTED and play.finished:
        code = 0  # Ctrl-C is the regular end
    return code or int(play.failed)


def _environ(settings: Settings) -> Mapping[str, str]:
    """The environment of the owners and the command line, without settings for another Tether or Temporal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TETHER_", "TEMPORAL_"))}
    stack = {MARK: str(settings.data_dir)}  # by which the next run finds and ends processes that a killed demo left
    return kept | stack | {"TETHER_DATA_DIR": str(settings.data_dir), "TETHER_TENANT": settings.tenant}


if __name__ == "__main__":
    sys.exit(main())
