"""Keeps what does not fit into memory in files: items of several parts, of which one is read at a time."""

import marshal
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

Item = tuple[Any, ...]
"""Of what JSON has, bytes, and tuples of them: plain ones, which take a fraction of the time that others take."""


class Spool:
    """Items of ``parts`` parts, in files of a folder that no other process writes to. Written within a ``with`` block,
    and read afterwards, as often as wanted."""

    def __init__(self, folder: Path, name: str, parts: int) -> None:
        self._files = [folder / f"{name}.{part}" for part in range(parts)]
        self._open: list[BinaryIO] = []

    def __enter__(self) -> Self:
        self._open = [file.open("wb") for file in self._files]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._open:
            file.close()

    def add(self, part: int, item: Item) -> None:
        """Adds the next item of a part."""
        marshal.dump(item, self._open[part])

    def read(self, part: int) -> Iterator[Item]:
        """Yields the items of a part, in the order in which they were added."""
        with self._files[part].open("rb") as file:
            while file.peek(1):
                item: Item = marshal.load(file)  # written by this process
                yield item
