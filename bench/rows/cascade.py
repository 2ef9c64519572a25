"""Measures the deletion of a parent with very many children: without commands, then with one for each child."""

from bench.drivers.stack import MeasuredTether
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement
from bench.rows.cascading import links, requests


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Measures both parts, each in a tenant of its own."""
    parts = [await links.measure(tether, effort), await requests.measure(tether, effort)]
    return Measurement(
        {name: found for part in parts for name, found in part.samples.items()},
        {name: found for part in parts for name, found in part.notes.items()},
        [line for part in parts for line in part.lines],
    )


ROW = Benchmark(
    name="cascade",
    title="A parent with 100,000 children is deleted",
    figures=(
        Figure(
            links.DELETED,
            "ms",
            "the same POST for a parent without children",
            Budget(most_above=10),
            less_is_better=True,
        ),
        Figure(
            links.CLOSED, "s", "the same rows by set-based SQL in one process", Budget(most=10), less_is_better=True
        ),
        Figure(requests.RATE, "/s", "a plain httpx2 client, 25 connections, the same owner"),
        Figure(requests.REAL, "/s", "a plain httpx2 client, 25 connections, the same service"),
        Figure(requests.MEMORY, "MB", "before the first cascade", Budget(most_above=50), less_is_better=True),
    ),
    bound=(
        "Links alone: as with batches, the event loop of the API process and the index entries. With commands: the "
        "one event loop of the worker, in which httpx2 takes most of the time of a command, as it does in the plain "
        "client; on two cores, Tether settles the owner's facts meanwhile. The example service: its own commit for "
        "each command."
    ),
    measure=measure,
)
