"""The rows that are measured."""

from bench.report.figures import Benchmark
from bench.rows import (
    activity,
    arrival,
    batches,
    cascade,
    consumers,
    feed,
    growth,
    hot,
    merges,
    pairs,
    retention,
    scale,
    singles,
    snapshot,
    waits,
    webhooks,
)

ROWS: tuple[Benchmark, ...] = (
    batches.ROW,
    singles.ROW,
    waits.ROW,
    pairs.ROW,
    arrival.ROW,
    cascade.ROW,
    hot.ROW,
    merges.ROW,
    activity.ROW,
    snapshot.ROW,
    feed.ROW,
    consumers.ROW,
    webhooks.ROW,
    growth.ROW,
    retention.ROW,
    scale.ROW,
)
"""In the order in which they run."""
