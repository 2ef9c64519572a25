"""`tether quarantine …`: lists quarantined events."""

import typer

from cli.client import client, path
from cli.options import All, ApiKey, Format, Limit, Output, Url
from cli.output import show_pages

app = typer.Typer(no_args_is_help=True, help="List events that could not be recorded.")

COLUMNS = {
    "ID": "id",
    "RECEIVED": "received",
    "TIMES": "times",
    "SOURCE": "source",
    "EVENT": "event_id",
    "TYPE": "type",
    "REASON": "reason",
}


@app.command("list")
def list_(limit: Limit = 100, all_: All = False, output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """List quarantined events, each with its reason, newest first."""
    with client(url, key) as tether:
        pages = tether.pages(path("quarantine"), limit=None if all_ else limit)
        show_pages(pages, output, COLUMNS, "The quarantine is empty.")
