"""Prints results: tables for people, JSON for programs. Standard output receives nothing but results."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.options import Format

Columns = Mapping[str, str]
"""Heading → field of an item; a dotted path for a nested field."""

UNBOUNDED = 4_000  # columns: tables in a pipe are not wrapped


def console(*, err: bool = False) -> Console:
    """Returns a console that prints text as it is, to standard output or standard error."""
    plain: dict[str, Any] = {"stderr": err, "highlight": False, "markup": False, "emoji": False}
    found = Console(**plain, soft_wrap=False)
    return found if found.is_terminal else Console(**plain, width=UNBOUNDED)


def note(sentence: str) -> None:
    """Prints a sentence to standard error."""
    typer.echo(sentence, err=True)


def show_pages(pages: Iterator[dict[str, Any]], form: Format, columns: Columns, empty: str) -> None:
    """Prints the items of pages; in the format ``jsonl`` as soon as each page arrives.

    ``columns`` are those of the table in the format ``text``; ``empty`` is printed there if there are no items.
    """
    if form is Format.jsonl:
        for page in pages:
            for item in page["items"]:
                show_line(item)
        return
    items: list[dict[str, Any]] = []
    last: dict[str, Any] = {}
    for page in pages:
        items += page["items"]
        last = page
    if form is Format.json:
        show_document({**last, "items": items})
    elif not items:
        typer.echo(empty)
    else:
        show_table(columns, items)
        if last.get("next"):
            note(f"The first {len(items)} are shown; --limit and --all show more.")


def show_one(answer: dict[str, Any], form: Format, fields: Columns) -> None:
    """Prints one object; in the format ``text`` one line per field of ``fields``, without empty ones."""
    if form is not Format.text:
        show_document(answer) if form is Format.json else show_line(answer)
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")  # a value that is wider than the terminal is not cut off
    for heading, field in fields.items():
        value = pick(answer, field)
        if value not in (None, "", {}, []):
            grid.add_row(Text(heading, style="bold"), cell(value))
    console().print(grid)


def show_table(columns: Columns, items: Iterable[Mapping[str, Any]]) -> None:
    """Prints items as the rows of a table."""
    console().print(table(columns, items))


def table(columns: Columns, items: Iterable[Mapping[str, Any]]) -> Table:
    """Returns a table with items as rows."""
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in columns:
        found.add_column(heading, overflow="fold")
    for item in items:
        found.add_row(*(cell(pick(item, field)) for field in columns.values()))
    return found


def show_document(answer: Any) -> None:
    """Prints one indented JSON document."""
    typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))


def show_line(answer: Any) -> None:
    """Prints one JSON document on one line."""
    typer.echo(orjson.dumps(answer))


def pick(item: Any, field: str) -> Any:
    """Returns the value at a dotted path; None if there is none."""
    for part in field.split("."):
        if not isinstance(item, Mapping):
            return None
        item = item.get(part)
    return item


def cell(value: Any) -> Text:
    """Returns a table cell for a value."""
    match value:
        case None:
            return Text("–", style="dim")
        case bool():
            return Text("yes" if value else "no")
        case str():
            spelled = value
        case _:
            spelled = orjson.dumps(value).decode()
    return Text(printable(spelled))


def printable(text: str) -> str:
    """Escapes control characters, which keys may contain and terminals would execute."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
