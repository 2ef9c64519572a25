"""Real facts to play with, and the exact answer to them: see README.md."""

from pathlib import Path

FLIGHTS = Path(__file__).with_name("flights.ndjson.gz")
"""6,418 CloudEvents, one a line: parents first, then the flights by departure."""

EXPECTED = Path(__file__).with_name("expected.json")
"""What these facts come to, in whatever order and however often they are told."""
