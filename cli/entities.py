"""`tether entities …`"""

import typer

from cli.client import client, path
from cli.options import AsOf, AtLeast, EntityKey, EntityKind, Format, Key, Output, Url
from cli.output import show_one

app = typer.Typer(no_args_is_help=True, help="What is known of one entity.")

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
    key_: EntityKey,
    at_least: AtLeast = "",
    as_of: AsOf = "",
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """One entity: its state, its fields and what it refers to."""
    with client(url, key) as tether:
        query = {"at_least": at_least, "as_of": as_of}
        show_one(tether.ask("GET", path("entities", kind, key_), query), output, FIELDS)
