"""`tether entities …`: reads one entity, and voids a fact about it."""

from typing import Annotated

import orjson
import typer

from cli.client import client, path
from cli.options import ApiKey, AsOf, AtLeast, EntityKind, Format, KeyArgument, Output, Url
from cli.output import show_one

app = typer.Typer(no_args_is_help=True, help="Read one entity, void a fact about it.")

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


@app.command()
def void(
    kind: EntityKind,
    key_: KeyArgument,
    source: Annotated[str, typer.Option(help="The fact's source.")],
    id: Annotated[str, typer.Option(help="The fact's id.")],
    reason: Annotated[str, typer.Option(help="Why, for those who read it later.")],
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Take one fact about an entity back, such as one with a sequence or a time by mistake."""
    with client(url, key) as tether:
        body = orjson.dumps({"source": source, "id": id, "reason": reason})
        show_one(tether.request("POST", path("entities", kind, key_, "voids"), body=body), output, {"token": "token"})
