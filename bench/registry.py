"""All that is measured."""

from bench.figures import Row
from bench.rows import arrival, batches, growth, pairs, singles, waits

ROWS: tuple[Row, ...] = (batches.ROW, singles.ROW, waits.ROW, pairs.ROW, arrival.ROW, growth.ROW)
"""In the order in which they run."""
