"""A child process that reads one order per line of its stdin, and writes one result per line of its stdout."""

import asyncio
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from bench.errors import Spoilt

ROOT = Path(__file__).resolve().parents[2]
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes: an answer may hold the time of each request."""


class LineProcess:
    """``python -m module``, for as long as the block lasts."""

    def __init__(self, module: str) -> None:
        self._module = module

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        # A session of its own: Ctrl-C is for us, and it ends with its stdin.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, stdin=pipe, stdout=pipe, cwd=ROOT, start_new_session=True,
            limit=LONGEST_LINE,
        )  # fmt: skip
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def ask(self, order: object) -> dict[str, Any]:
        """What came of a dataclass. Raises Spoilt if the process died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(orjson.dumps(order) + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise Spoilt(f"{self._module} died over {order}")
        answer: dict[str, Any] = orjson.loads(line)
        return answer
