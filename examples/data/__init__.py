"""A sample of real facts, and the exact result that follows from them: see README.md."""

from pathlib import Path

FLIGHTS = Path(__file__).with_name("flights.ndjson.gz")
"""6,418 CloudEvents, one a line: parents first, then the flights by departure."""

EXPECTED = Path(__file__).with_name("expected.json")
"""The links that follow from these facts, in whatever order and however often they are published."""
