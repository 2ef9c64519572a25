"""``python -m bench``: measures all rows or the named ones, prints a table, and saves every sample as JSON."""

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
"""Columns of the table if the output is not a terminal."""
BUSY = 0.5
"""Load average above which a warning is printed, because other processes slow down the measurement."""


def main() -> int:
    """Runs the command. Returns its exit code: 0 if all rows were measured, 1 after an error, 130 if interrupted."""
    chosen, quick = _arguments()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    facts = machine.facts()
    if os.getloadavg()[0] > BUSY:
        console.print(
            f"other processes use this machine (load {os.getloadavg()[0]:.1f}): rates will be too low", style="yellow"
        )
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
    parser.add_argument("--quick", action="store_true", help="one run of each row instead of three, with less load")
    arguments = parser.parse_args()
    return [row for row in ROWS if not arguments.only or row.name in arguments.only], arguments.quick


if __name__ == "__main__":
    sys.exit(main())
