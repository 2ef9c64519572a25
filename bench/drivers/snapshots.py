"""A reader of snapshots, in a process of its own: it decodes the answer and counts its lines, as a consumer has to."""

import http.client
import time
import zlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.drivers.line_process import LineProcess, answer_orders
from bench.errors import InvalidMeasurement

PIECE = 1 << 18
_GZIP_FORMAT = 31


@dataclass(frozen=True, slots=True)
class SnapshotOrder:
    """Read a snapshot. ``url``: of Tether; ``query``: what it holds; ``gzip``: whether its coding is accepted."""

    url: str
    key: str
    query: str
    gzip: bool = False


@dataclass(slots=True)
class SnapshotResult:
    """``rows`` without the first and last line; ``seconds`` until the last byte, ``first`` until the first one."""

    rows: int
    bytes: int
    first: float
    seconds: float
    last: str


class SnapshotReader(LineProcess):
    """Runs the process of the reader within the block."""

    def __init__(self) -> None:
        super().__init__("bench.drivers.snapshots")

    async def read(self, order: SnapshotOrder, rows: int) -> SnapshotResult:
        """Reads a snapshot. Raises InvalidMeasurement unless it is whole and has so many rows."""
        read = SnapshotResult(**await self.request(order))
        if read.rows != rows or '"snapshot-end"' not in read.last:
            raise InvalidMeasurement(f"{order} gave {read.rows} rows of {rows}, and ended with {read.last[:300]}")
        return read


def read_whole(order: SnapshotOrder) -> SnapshotResult:
    """Reads a snapshot to its end."""
    address = urlsplit(order.url)
    connection = http.client.HTTPConnection(address.netloc)
    headers = {"authorization": f"Bearer {order.key}", "accept-encoding": "gzip" if order.gzip else "identity"}
    began = time.perf_counter()
    connection.request("GET", f"/v1/snapshots?{order.query}", headers=headers)
    answer = connection.getresponse()
    decoder = zlib.decompressobj(_GZIP_FORMAT) if answer.headers.get("content-encoding") == "gzip" else None
    lines = size = 0
    first, tail = 0.0, b""
    while piece := answer.read1(PIECE):
        first = first or time.perf_counter() - began
        size += len(piece)
        text = piece if decoder is None else decoder.decompress(piece)
        lines += text.count(b"\n")
        tail = (tail + text)[-1_000:]
    connection.close()
    last = tail.rstrip().rpartition(b"\n")[2].decode(errors="replace")
    return SnapshotResult(lines - 2, size, first, time.perf_counter() - began, last)


if __name__ == "__main__":
    answer_orders(SnapshotOrder, read_whole)
