"""``python -m bench``: measures every row, or those that are named, prints a table, and keeps the figures as JSON."""

import argparse
import os
import sys
import time

from rich.console import Console

from bench.drivers.stack import with_tether
from bench.registry import ROWS
from bench.report import machine
from bench.report import table as report
from bench.report.figures import Benchmark, Effort, Measurement
from errors import TetherError

INTERRUPTED = 130
WIDTH = 180
"""Columns of what goes into a file."""
BUSY = 0.5
"""Load from which on the machine is not ours alone."""


def main() -> int:
    """The exit code: 0 measured, whatever the figures; 1 something broke; 130 stopped."""
    chosen, quick = _arguments()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    facts = machine.facts()
    if os.getloadavg()[0] > BUSY:
        console.print(f"others are at work here (load {os.getloadavg()[0]:.1f}): rates will be too low", style="yellow")
    results: dict[str, Measurement] = {}
    code = 0
    try:
        for row in chosen:
            results[row.name] = _measure(row, console, quick=quick)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except TetherError as error:
        Console(stderr=True).print(f"{row.name}: {error}", style="red", markup=False)
        code = 1
    if results:
        file = report.save(report.document(ROWS, results, facts, quick=quick))
        console.print(report.table(ROWS, results))
        for remark in report.remarks(ROWS, results):
            console.print(remark, markup=False, highlight=False, soft_wrap=True)
        console.print(f"every sample is in {os.path.relpath(file)}", highlight=False)
    return code


def _measure(row: Benchmark, console: Console, *, quick: bool) -> Measurement:
    began = time.monotonic()
    with console.status(row.title) as status:
        effort = Effort(quick, lambda line: status.update(f"{row.name}: {line}"))
        measured = with_tether(lambda tether: row.measure(tether, effort))
    load = f"load {os.getloadavg()[0]:.1f}"
    console.print(f"{row.name:<9}{time.monotonic() - began:6.0f} s  {load}  {row.title}", highlight=False)
    return measured


def _arguments() -> tuple[list[Benchmark], bool]:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = [row.name for row in ROWS]
    parser.add_argument("--only", metavar="ROW", action="append", choices=names, help=f"one of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="once instead of thrice, and less of it")
    arguments = parser.parse_args()
    return [row for row in ROWS if not arguments.only or row.name in arguments.only], arguments.quick


if __name__ == "__main__":
    sys.exit(main())
