"""Starts the example owners, and plays the situations in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

from devstack.ports import free_port
from devstack.stack import Urls
from examples.demo import (
    at_rest,
    categories_and_items,
    chains,
    consumers,
    festival,
    flights,
    groups_and_channels,
    merging,
    plans,
    reading,
    teams_and_events,
    users_and_shopping,
)
from examples.demo.owner import DemoOwner
from examples.demo.play import Play
from examples.demo.shopping import DemoShopping
from examples.demo.stage import OTHER, CommandLine, Stage, keys
from examples.demo.tether import TetherClient

SITUATIONS: Mapping[str, Callable[[Stage], Awaitable[None]]] = {
    "groups_and_channels": groups_and_channels.play,
    "chains": chains.play,
    "teams_and_events": teams_and_events.play,
    "plans": plans.play,
    "festival": festival.play,
    "merging": merging.play,
    "users_and_shopping": users_and_shopping.play,
    "categories_and_items": categories_and_items.play,
    "consumers": consumers.play,
    "flights": flights.play,
    "reading": reading.play,
    "at_rest": at_rest.play,
}
"""By name, in the order in which they are played. `reading` and `at_rest` look at what the others have left."""


@asynccontextmanager
async def opened(
    play: Play,
    where: Urls,
    folder: Path,
    owners: Mapping[str, DemoOwner],
    environ: Mapping[str, str],
) -> AsyncIterator[Stage]:
    """Runs the example owners until the block is left.

    ``where``: addresses of the running stack; ``folder``: the demo's data directory; ``owners``: by name; ``environ``:
    environment of the owners and of the command line. Raises PartFailed.
    """
    known = keys(where.credentials)
    services = owners.values()
    shopping = DemoShopping(free_port(), folder)
    try:
        for service in services:
            service.introduce(where.api, known[f"publish:{service.name}"], environ)
        await asyncio.gather(*(service.start() for service in services))
        for service in services:
            play.console.print(f"{service.name:<10} ready         {service.url}")
        command = CommandLine(environ)
        made = await command.answer("keys", "create", "demo", "--scope", "admin", "--tenant", OTHER)
        async with TetherClient(where.api, known) as tether, TetherClient(where.api, {"admin": made["key"]}) as other:
            yield Stage(play, where, folder, tether, other, owners, command, shopping)
    finally:
        await shopping.close()
        for service in services:
            await service.close()


async def situations(on: Stage, only: Collection[str]) -> None:
    """Plays the situations of these names. An error in one is a failed check, and the next ones are still played."""
    for play in (play for name, play in SITUATIONS.items() if name in only):
        begun = monotonic()
        try:
            await play(on)
        except Exception as error:  # any: a step that fails must show as a failed check
            on.play.check("completed without an error", "yes", f"{type(error).__name__}: {error}")
        on.play.console.print(f"[dim]{monotonic() - begun:.1f} s[/]")
    on.play.finished = True


def verdict(play: Play) -> None:
    """Prints one line: how many checks hold, or how many failed."""
    failed = sum(1 for check in play.checks if not check.good)
    if failed:
        play.console.print(f"[bold red]{failed} of {len(play.checks)} checks failed[/]")
    else:
        play.console.print(f"[bold green]All {len(play.checks)} checks hold[/]")
