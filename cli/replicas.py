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
    "state": "state",
    "data": "data",
    "revision": "revision",
    "token": "token",
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
    at_least: AtLeast = "",
    as_of: AsOf = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Show a row: the declared fields of one entity."""
    with client(url, key) as tether:
        query = {"at_least": at_least, "as_of": as_of}
        show_one(tether.request("GET", path("replicas", replica, key_), query), output, FIELDS)
