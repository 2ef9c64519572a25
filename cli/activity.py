"""`tether activity …`: reads what happened to an entity."""

from enum import StrEnum
from typing import Annotated

import typer

from cli.client import client, path
from cli.options import All, ApiKey, AsOf, AtLeast, EntityKind, Format, KeyArgument, Limit, Output, Url
from cli.output import printable, show_pages

app = typer.Typer(no_args_is_help=True, help="Read what happened to an entity.")

COLUMNS = {
    "TIME": "time",
    "TYPE": "type",
    "ORIGIN": "origin",
    "ID": "id",
    "DATA": "data",
}


class Order(StrEnum):
    """Which activity comes first."""

    newest = "newest"
    oldest = "oldest"


@app.command("list")
def list_(
    kind: EntityKind,
    key_: KeyArgument,
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only facts of this type; repeatable.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only facts from this source; repeatable.")] = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="Only what happened at this time or later.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Only what happened before this time.")] = "",
    origin: Annotated[list[str] | None, typer.Option(help="Only what was recorded under this key; repeatable.")] = None,
    order: Annotated[Order, typer.Option(help="Which comes first.")] = Order.newest,
    at_least: AtLeast = "",
    as_of: AsOf = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List what happened to an entity, the newest first; of merged ones that of all their keys."""
    query = {
        "type": type_,
        "source": source,
        "since": since,
        "until": until,
        "origin": origin,
        "order": order.value,
        "at_least": at_least,
        "as_of": as_of,
    }
    with client(url, key) as tether:
        pages = tether.pages(path("entities", kind, key_, "activity"), query, None if all_ else limit)
        show_pages(pages, output, COLUMNS, f"No such activity of {printable(f'{kind} {key_}')} is known.")
