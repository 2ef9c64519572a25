"""What the situations are played with."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.stack import Urls
from devstack.up import CLI
from examples.demo.owner import DemoOwner
from examples.demo.play import Play
from examples.demo.tether import Json, TetherClient

TENANT = "main"
OTHER = "shuffled"
"""A second tenant: it sees nothing of the first."""


@dataclass(frozen=True)
class CommandLine:
    """The ``tether`` command. ``environ``: the whole environment, which says which stack is meant."""

    environ: Mapping[str, str]

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Its exit code, and all that it printed, errors at the end."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *CLI, *arguments, env=dict(self.environ), stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        try:
            out, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, (out if process.returncode == 0 else out + said).decode()

    async def answer(self, *arguments: str) -> Json:
        """What it answers with ``-o json``. Raises RuntimeError with what it said, if it fails."""
        code, said = await self.run(*arguments, "-o", "json")
        if code:
            raise RuntimeError(f"tether {' '.join(arguments)} ended with {code}: {said.strip()}")
        return dict(json.loads(said))


@dataclass(frozen=True)
class Stage:
    """A running stack in ``folder``, its services, and the play that is given on it."""

    play: Play
    where: Urls
    folder: Path
    tether: TetherClient
    other: TetherClient
    """The same Tether, for the second tenant."""
    owners: Mapping[str, DemoOwner]
    """By their names; they own more than facts: each has a database of its own, and can be asked."""
    command: CommandLine

    @property
    def groups(self) -> DemoOwner:
        """Owns groups, and who is in them."""
        return self.owners["groups"]

    @property
    def channels(self) -> DemoOwner:
        """Owns channels, and who is in them."""
        return self.owners["channels"]

    @property
    def events(self) -> DemoOwner:
        """Owns events."""
        return self.owners["events"]

    @property
    def teams(self) -> DemoOwner:
        """Owns teams, and knows of each the key of its event. It can be told to misbehave."""
        return self.owners["teams"]

    def pid(self, part: str) -> int:
        """Of the present process of a part of the stack."""
        return int(json.loads((self.folder / "stack.json").read_bytes())["pids"][part])


def keys(file: Path, tenant: str = TENANT) -> dict[str, str]:
    """Scope → key, as the stack wrote them for this tenant."""
    known = json.loads(file.read_bytes())["keys"]
    return {entry["scope"]: entry["key"] for entry in known if entry["tenant"] == tenant}
