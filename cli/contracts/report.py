"""Prints what differs between contracts."""

from collections.abc import Iterable
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import orjson
import typer

from cli.output import printable

if TYPE_CHECKING:
    from catalog.evolution.changes import ContractChange
    from catalog.evolution.lint import LintWarning

WIDTH = 80
_MARGIN = 19


def change_as_json(change: "ContractChange") -> dict[str, Any]:
    """A change as JSON values."""
    return {
        "about": change.about,
        "path": change.path,
        "what": change.what,
        "breaks": list(change.breaks),
        "certain": change.certain,
        "examples": list(change.examples),
        "concerns": list(change.concerns),
    }


def warning_as_json(warning: "LintWarning") -> dict[str, Any]:
    """A warning as JSON values."""
    return {"about": warning.about, "rule": warning.rule, "what": warning.what}


def show_changes(changes: Iterable["ContractChange"]) -> None:
    """Prints changes in paragraphs, each about one type or declaration, in at most 80 columns."""
    for about, found in groupby(changes, key=lambda change: change.about):
        typer.echo(printable(about))
        for change in found:
            mark = " ".join(["breaks" if change.certain else "may break", *change.breaks]) if change.breaks else "note"
            _show(mark, f"{change.path}: {change.what}" if change.path else change.what)
            for example in change.examples:
                _show("", f"such as {_short(orjson.dumps(example).decode())}")
            if change.concerns:
                _show("", f"concerns {', '.join(change.concerns)}")


def show_warnings(warnings: Iterable["LintWarning"]) -> None:
    """Prints warnings of the lint as paragraphs of at most 80 columns."""
    for about, found in groupby(warnings, key=lambda warning: warning.about):
        typer.echo(printable(about))
        for warning in found:
            _show(warning.rule, warning.what)


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}…"


def _show(mark: str, text: str) -> None:
    first, *rest = wrap(printable(text), WIDTH - _MARGIN, break_on_hyphens=False)
    if len(mark) > _MARGIN - 3:
        typer.echo(f"  {mark}")
        mark = ""
    typer.echo(f"  {mark:<{_MARGIN - 2}}{first}")
    for line in rest:
        typer.echo(f"{'':<{_MARGIN}}{line}")
