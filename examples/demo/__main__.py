"""``python -m examples.demo [--once]``: the whole of Tether on this machine, and the situations played on it.

It works in the folder ``demo`` of the data directory (``.tether/demo``), which it empties when it begins, and on
free ports, unless ``TETHER_PORT`` and the like name others. ``--once``: it ends when all is played, with exit
code 1 if a check has failed. Otherwise it keeps running until Ctrl-C.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping

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
"""Columns, where no terminal says how many it has."""

OWNERS = ("groups", "channels", "events", "teams")
MISBEHAVING = "teams"

PORTS = ("port", "postgres_port", "temporal_port", "temporal_ui_port")


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description="Play the situations on a Tether.")
    parser.add_argument("--once", action="store_true", help="end when all is played; exit code 1 if a check failed")
    once = bool(parser.parse_args().once)
    try:
        settings = _settings()
        return asyncio.run(_run(settings, once))
    except (TetherError, StackError) as error:
        print(error, file=sys.stderr)
        return 1


def _settings() -> Settings:
    """The embedded profile, whatever else is configured, in an empty folder."""
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
            # Before the stack starts: the worker must know where it can ask.
            "owners": {name: f"http://127.0.0.1:{free_port()}" for name in OWNERS},
        }
    )


async def _run(settings: Settings, once: bool) -> int:
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
            await performance.everything(stage)
            console.print()
            console.print(play.table())
            performance.verdict(play)
            if not once:
                await farewell.show(stage)
                await asyncio.Event().wait()

    console.print("[bold]Tether: services tell facts of what is theirs; Tether keeps what is between them[/]\n")
    code = await up(settings, console=console, once_ready=once_ready, environ=environ)
    if code == INTERRUPTED and play.finished:
        code = 0  # Ctrl-C is how it ends
    return code or int(play.failed)


def _environ(settings: Settings) -> Mapping[str, str]:
    """Without what is configured for another Tether, or for a Temporal elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TETHER_", "TEMPORAL_"))}
    stack = {MARK: str(settings.data_dir)}  # so that what a killed demo leaves is found and ended by the next
    return kept | stack | {"TETHER_DATA_DIR": str(settings.data_dir), "TETHER_TENANT": settings.tenant}


if __name__ == "__main__":
    sys.exit(main())
