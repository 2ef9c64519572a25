"""Writes results as a table and as JSON."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.report.figures import Benchmark, Measurement, Verdict, verdicts

Results = Mapping[str, Measurement]
"""Name of the row → its results."""

RESULTS = Path(__file__).parents[1] / "results"


def table(rows: tuple[Benchmark, ...], results: Results) -> Table:
    """Returns a table with medians, ratios and verdicts of the rows that were measured."""
    table = Table(title="medians; each limit measured in the same run", title_justify="left")
    for heading in ("figure", "Tether", "limit", "ratio", "budget", "met", "compared with"):
        table.add_column(heading, justify="right" if heading in ("Tether", "limit", "ratio") else "left")
    for row in rows:
        if row.name not in results:
            continue
        for verdict in verdicts(row, results[row.name]):
            table.add_row(*cells(verdict))
        table.add_section()
    return table


def cells(verdict: Verdict) -> tuple[str, ...]:
    """Returns the cells of one line of the table."""
    figure = verdict.figure
    met = {True: "yes", False: "[bold red]no[/]", None: ""}[verdict.met]
    return (
        figure.name,
        f"{number(verdict.ours)} {figure.unit}",
        f"{number(verdict.limit)} {figure.unit}",
        f"{verdict.ratio:.2f}" if figure.budget.most_above is None else f"{verdict.above:+.1f} {figure.unit}",
        str(figure.budget),
        met,
        figure.limit,
    )


def remarks(rows: tuple[Benchmark, ...], results: Results) -> Iterator[str]:
    """Yields the lines below the table: the bound of each row, and its further text."""
    for row in rows:
        if row.name in results:
            yield f"{row.name}: {row.bound}"
            yield from (f"  {line}" for line in results[row.name].lines)


def number(value: float) -> str:
    """Formats a number with at least two significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def document(
    rows: tuple[Benchmark, ...], results: Results, machine: Mapping[str, object], *, quick: bool
) -> dict[str, Any]:
    """Returns all results with every sample, as JSON values."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine,
        "rows": {
            row.name: {
                "title": row.title,
                "bound": row.bound,
                "figures": [_figure(verdict) for verdict in verdicts(row, results[row.name])],
                "notes": results[row.name].notes,
                "lines": results[row.name].lines,
            }
            for row in rows
            if row.name in results
        },
    }


def _figure(verdict: Verdict) -> dict[str, Any]:
    figure = verdict.figure
    return {
        "name": figure.name,
        "unit": figure.unit,
        "tether": verdict.ours,
        "limit": verdict.limit,
        "ratio": round(verdict.ratio, 3),
        "budget": str(figure.budget),
        "met": verdict.met,
        "compared_with": figure.limit,
        "samples": {"tether": verdict.samples.ours, "limit": verdict.samples.limit},
    }


def save(document: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Saves a document in a file named after its time; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / (str(document["at"]).replace(":", "").replace("+0000", "Z") + ".json")
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return file
