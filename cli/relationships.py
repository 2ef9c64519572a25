"""`tether relationships …`"""

import typer

from cli.client import client, path
from cli.options import Format, Key, Output, Url
from cli.output import show_pages

app = typer.Typer(no_args_is_help=True, help="What must stay consistent, and how it stands.")

COLUMNS = {
    "RELATIONSHIP": "name",
    "PARENT": "parent",
    "CHILD": "child",
    "CARDINALITY": "cardinality",
    "PARENT GONE": "on_parent_deleted",
    "MOVE": "move",
    "DETACH": "detach",
    "LINKED": "counts.linked",
    "WAITING": "counts.waiting",
    "OVERDUE": "counts.overdue",
    "BROKEN": "counts.broken",
    "CONFLICT": "counts.conflict",
}


@app.command("list")
def list_(output: Output = Format.text, url: Url = "", key: Key = "") -> None:
    """All relationships, with the number of links in each state."""
    with client(url, key) as tether:
        pages = iter([tether.ask("GET", path("relationships"), {"counts": True}, holds="items")])
        show_pages(pages, output, COLUMNS, "No relationship is declared.")
