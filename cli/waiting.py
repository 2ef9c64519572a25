"""`tether waiting …`: lists waits."""

from typing import Annotated

import typer

from cli.client import client, path
from cli.options import All, ApiKey, Format, Limit, Output, Url
from cli.output import show_pages

app = typer.Typer(no_args_is_help=True, help="List what is waited for, and from which owner.")

COLUMNS = {
    "RELATIONSHIP": "relationship",
    "PARENT": "parent",
    "MISSING": "missing",
    "OWNER": "waiting_for.owner",
    "CHILDREN": "children",
    "WAITING SINCE": "waiting_since",
    "DUE": "due",
    "OVERDUE": "overdue",
    "REASON": "reason",
    "WORKFLOW": "workflow.url",
}


@app.command("list")
def list_(
    relationship: Annotated[str, typer.Option(help="Only waits of this relationship.")] = "",
    owner: Annotated[str, typer.Option(help="Only waits for facts of this owner.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only waits whose due time has passed.")] = False,
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List waits: one line per parent that is missing, or whose child is missing."""
    with client(url, key) as tether:
        query = {"relationship": relationship, "owner": owner, "overdue": overdue}
        pages = tether.pages(path("waiting"), query, None if all_ else limit)
        show_pages(pages, output, COLUMNS, "Nothing is overdue." if overdue else "Nothing is waiting.")
