"""`tether waiting …`"""

from typing import Annotated

import typer

from cli.client import client, path
from cli.options import All, Format, Key, Limit, Output, Url
from cli.output import show_pages

app = typer.Typer(no_args_is_help=True, help="What is waited for, since when, and who owes it.")

COLUMNS = {
    "RELATIONSHIP": "relationship",
    "PARENT": "parent",
    "LACKS": "lacks",
    "DEBTOR": "debtor",
    "CHILDREN": "children",
    "SINCE": "since",
    "DUE": "due",
    "OVERDUE": "overdue",
    "REASON": "reason",
    "WORKFLOW": "workflow.url",
}


@app.command("list")
def list_(
    relationship: Annotated[str, typer.Option(help="Only of this relationship.")] = "",
    debtor: Annotated[str, typer.Option(help="Only what this owner owes.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is past its deadline.")] = False,
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """All waits: one line per parent that is lacking, or lacks its child."""
    with client(url, key) as tether:
        query = {"relationship": relationship, "debtor": debtor, "overdue": overdue}
        pages = tether.pages(path("waiting"), query, None if all_ else limit)
        show_pages(pages, output, COLUMNS, "Nothing is overdue." if overdue else "Nothing is waiting.")
