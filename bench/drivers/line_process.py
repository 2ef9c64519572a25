"""A child process that reads one order per line of stdin and writes one result per line of stdout, as JSON."""

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import orjson

from bench.errors import InvalidMeasurement

ROOT = Path(__file__).resolve().parents[2]
Order = TypeVar("Order")

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes. A result may contain the time of each request."""


class LineProcess:
    """Runs ``python -m module`` within the block."""

    def __init__(self, module: str) -> None:
        self._module = module

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        # A session of its own, so that Ctrl-C reaches the parent alone; the process ends with its stdin.
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

    async def request(self, order: object) -> dict[str, Any]:
        """Sends an order, a dataclass; returns the result. Raises InvalidMeasurement if the process died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(orjson.dumps(order) + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise InvalidMeasurement(f"{self._module} died over {order}")
        answer: dict[str, Any] = orjson.loads(line)
        return answer


def answer_orders(kind: type[Order], carry_out: Callable[[Order], Any]) -> None:
    """Carries out one order per line of stdin, until it ends; the other side of `LineProcess`.

    ``kind``: the class of orders; ``carry_out`` returns a dataclass, the result.
    """
    for line in sys.stdin.buffer:
        result = carry_out(kind(**orjson.loads(line)))
        sys.stdout.buffer.write(orjson.dumps(asdict(result)) + b"\n")
        sys.stdout.flush()


@contextmanager
def collecting_no_garbage() -> Iterator[None]:
    """Runs the block without pauses of the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
