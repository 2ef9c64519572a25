"""`tether replicas …`: lists declared replicas, and shows single rows of them."""

from typing import Annotated

import typer

from cli.client import client, path
from cli.options import ApiKey, AsOf, AtLeast, Format, KeyArgument, Output, Url
from cli.output import show_one, show_pages

app = typer.Typer(no_args_is_help=True, help="List declared replicas, and show rows of them.")

COLUMNS = {"REPLICA": "name", "OF": "of", "OWNER": "owner", "FIELDS": "fields"}
FIELDS = {
    "replica": "replica",
    "key": "key",
    "freshness": "freshness",
    "state": "state",
    "data": "data",
    "revision": "revision",
    "token": "token",
    "latest": "latest",
    "copy": "copy.token",
    "revisions behind": "copy.lag.revisions",
    "seconds behind": "copy.lag.seconds",
    "differs": "copy.differs",
}

ReplicaName = Annotated[
    str, typer.Argument(metavar="REPLICA", help="Name of the replica, such as `shopping_customer`.")
]


@app.command("list")
def list_(output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """List replicas, with the fields that are copied."""
    with client(url, key) as tether:
        pages = iter([tether.request("GET", path("replicas"), expects="items")])
        show_pages(pages, output, COLUMNS, "No replica is declared.")


@app.command()
def get(
    replica: ReplicaName,
    key_: KeyArgument,
    freshness: Annotated[
        str, typer.Option(help="`latest`: all that is known; `stale`: what the copy of the consumer holds.")
    ] = "latest",
    consumer: Annotated[str, typer.Option(metavar="NAME", help="Who keeps a copy: show how far that is.")] = "",
    at_least: AtLeast = "",
    as_of: AsOf = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Show a row: the declared fields of one entity."""
    with client(url, key) as tether:
        query = {"freshness": freshness, "consumer": consumer, "at_least": at_least, "as_of": as_of}
        show_one(tether.request("GET", path("replicas", replica, key_), query), output, FIELDS)
