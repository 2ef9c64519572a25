"""`tether entities …`: reads one entity."""

import typer

from cli.client import client, path
from cli.options import ApiKey, AsOf, AtLeast, EntityKind, Format, KeyArgument, Output, Url
from cli.output import show_one

app = typer.Typer(no_args_is_help=True, help="Read one entity.")

FIELDS = {
    "kind": "kind",
    "key": "key",
    "state": "state",
    "incarnation": "incarnation",
    "sequence": "sequence",
    "data": "data",
    "references": "references",
    "revision": "revision",
    "token": "token",
}


@app.command()
def get(
    kind: EntityKind,
    key_: KeyArgument,
    at_least: AtLeast = "",
    as_of: AsOf = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Show an entity: its state, its fields and its parents."""
    with client(url, key) as tether:
        query = {"at_least": at_least, "as_of": as_of}
        show_one(tether.request("GET", path("entities", kind, key_), query), output, FIELDS)
