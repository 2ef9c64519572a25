"""`tether entities …`: reads one entity and the facts about it, and voids a fact."""

from typing import Annotated

import orjson
import typer

from cli.client import client, path
from cli.options import All, ApiKey, AsOf, AtLeast, EntityKind, Format, KeyArgument, Limit, Output, Url
from cli.output import printable, show_one, show_pages

app = typer.Typer(no_args_is_help=True, help="Read one entity and the facts about it, void a fact.")

FIELDS = {
    "kind": "kind",
    "key": "key",
    "replaces": "replaces",
    "state": "state",
    "incarnation": "incarnation",
    "sequence": "sequence",
    "data": "data",
    "origins": "origins",
    "references": "references",
    "revision": "revision",
    "token": "token",
}
FACTS = {
    "POSITION": "position",
    "TYPE": "type",
    "SEQUENCE": "sequence",
    "TIME": "time",
    "RECEIVED": "received",
    "SOURCE": "source",
    "ID": "id",
    "STALE": "stale",
    "OLDER THAN": "older_than.id",
    "EMPTIED": "emptied",
    "VOIDED": "voided",
    "REASON": "void_reason",
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
def facts(
    kind: EntityKind,
    key_: KeyArgument,
    stale: Annotated[bool, typer.Option("--stale", help="Only facts that were older than what was known.")] = False,
    at_least: AtLeast = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List the facts about an entity, the last arrival first."""
    empty = f"No fact about {printable(f'{kind} {key_}')} {'was stale' if stale else 'is known'}."
    with client(url, key) as tether:
        query = {"stale": stale, "at_least": at_least}
        pages = tether.pages(path("entities", kind, key_, "facts"), query, None if all_ else limit)
        show_pages(pages, output, FACTS, empty)


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
