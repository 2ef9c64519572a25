"""What was measured, for people as a table and for machines as JSON."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.report.figures import Benchmark, Measurement, Verdict, verdicts

Results = Mapping[str, Measurement]
"""By the row's name."""

RESULTS = Path(__file__).parents[1] / "results"


def table(rows: tuple[Benchmark, ...], results: Results) -> Table:
    """Medians, ratios and verdicts of the rows that were measured."""
    table = Table(title="medians; each limit measured in the same run", title_justify="left")
    for heading in ("what", "Tether", "limit", "ratio", "budget", "kept", "compared with"):
        table.add_column(heading, justify="right" if heading in ("Tether", "limit", "ratio") else "left")
    for row in rows:
        if row.name not in results:
            continue
        for verdict in verdicts(row, results[row.name]):
            table.add_row(*cells(verdict))
        table.add_section()
    return table


def cells(verdict: Verdict) -> tuple[str, ...]:
    """One line of the table."""
    figure = verdict.figure
    kept = {True: "yes", False: "[bold red]no[/]", None: ""}[verdict.met]
    return (
        figure.name,
        f"{number(verdict.ours)} {figure.unit}",
        f"{number(verdict.limit)} {figure.unit}",
        f"{verdict.ratio:.2f}" if figure.budget.most_above is None else f"{verdict.above:+.1f} {figure.unit}",
        str(figure.budget),
        kept,
        figure.limit,
    )


def remarks(rows: tuple[Benchmark, ...], results: Results) -> Iterator[str]:
    """Below the table: what bounds each row, and what else was found."""
    for row in rows:
        if row.name in results:
            yield f"{row.name}: {row.bound}"
            yield from (f"  {line}" for line in results[row.name].lines)


def number(value: float) -> str:
    """With as many digits as are worth reading."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def document(
    rows: tuple[Benchmark, ...], results: Results, machine: Mapping[str, object], *, quick: bool
) -> dict[str, Any]:
    """Everything that was measured, every sample of it."""
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
        "kept": verdict.met,
        "compared_with": figure.limit,
        "samples": {"tether": verdict.samples.ours, "limit": verdict.samples.limit},
    }


def save(document: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """As a file of its own, named after its time."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / (str(document["at"]).replace(":", "").replace("+0000", "Z") + ".json")
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return file
