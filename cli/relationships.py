"""`tether relationships …`: lists declared relationships."""

import typer

from cli.client import client, path
from cli.options import ApiKey, Format, Output, Url
from cli.output import show_pages

app = typer.Typer(no_args_is_help=True, help="List declared relationships.")

COLUMNS = {
    "RELATIONSHIP": "name",
    "PARENT": "parent",
    "CHILD": "child",
    "CARDINALITY": "cardinality",
    "ON PARENT DELETED": "on_parent_deleted",
    "MOVE": "move",
    "DETACH": "detach",
    "LINKED": "counts.linked",
    "WAITING": "counts.waiting",
    "OVERDUE": "counts.overdue",
    "BROKEN": "counts.broken",
    "CONFLICT": "counts.conflict",
}


@app.command("list")
def list_(output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """List relationships, with their number of links by state."""
    with client(url, key) as tether:
        pages = iter([tether.request("GET", path("relationships"), {"counts": True}, expects="items")])
        show_pages(pages, output, COLUMNS, "No relationship is declared.")
