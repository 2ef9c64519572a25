"""What a situation works with: the running stack, its clients, the example owners and the output."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.stack import Urls
from devstack.up import CLI
from examples.demo.owner import DemoOwner
from examples.demo.play import Play
from examples.demo.shopping import DemoShopping
from examples.demo.tether import Json, TetherClient

TENANT = "main"
OTHER = "shuffled"
"""A second tenant, isolated from the first."""


@dataclass(frozen=True)
class CommandLine:
    """Runs the ``tether`` command. ``environ``: its whole environment, which names the stack."""

    environ: Mapping[str, str]

    async def run(self, *arguments: str) -> tuple[int, str]:
        """(exit code, standard output, followed by standard error if it failed)."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *CLI, *arguments, env=dict(self.environ), stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        try:
            out, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, (out if process.returncode == 0 else out + errors).decode()

    async def answer(self, *arguments: str) -> Json:
        """The JSON object that it prints with ``-o json``. Raises RuntimeError with its output if it fails."""
        code, output = await self.run(*arguments, "-o", "json")
        if code:
            raise RuntimeError(f"tether {' '.join(arguments)} ended with exit code {code}: {output.strip()}")
        return dict(json.loads(output))


@dataclass(frozen=True)
class Stage:
    """A running stack with its data directory ``folder``, the example owners, and the output of the demo."""

    play: Play
    where: Urls
    folder: Path
    tether: TetherClient
    other: TetherClient
    """Client of the same stack for the second tenant."""
    owners: Mapping[str, DemoOwner]
    """The example owners by name."""
    command: CommandLine
    shopping: DemoShopping
    """Which keeps a copy of users; it is not started yet."""

    @property
    def groups(self) -> DemoOwner:
        """The owner of groups and of their members."""
        return self.owners["groups"]

    @property
    def channels(self) -> DemoOwner:
        """The owner of channels and of their members."""
        return self.owners["channels"]

    @property
    def events(self) -> DemoOwner:
        """The owner of events."""
        return self.owners["events"]

    @property
    def teams(self) -> DemoOwner:
        """The owner of teams, each with the key of its event. Offers ``/misbehaviour``."""
        return self.owners["teams"]

    @property
    def people(self) -> DemoOwner:
        """The owner of profiles."""
        return self.owners["people"]

    @property
    def activities(self) -> DemoOwner:
        """The owner of what people did."""
        return self.owners["activities"]

    @property
    def tickets(self) -> DemoOwner:
        """The owner of tickets, each with a key of its person."""
        return self.owners["tickets"]

    @property
    def users(self) -> DemoOwner:
        """The owner of users."""
        return self.owners["users"]

    def pid(self, part: str) -> int:
        """Process id of a running part of the stack, such as ``worker``."""
        return int(json.loads((self.folder / "stack.json").read_bytes())["pids"][part])


def keys(file: Path, tenant: str = TENANT) -> dict[str, str]:
    """Scope → API key of a tenant, from the credentials file of the stack."""
    known = json.loads(file.read_bytes())["keys"]
    return {entry["scope"]: entry["key"] for entry in known if entry["tenant"] == tenant}
