"""`tether retention …`: shows how far back can be read, and what was trimmed."""

import typer

from cli.client import client, path
from cli.options import ApiKey, Format, Output, Url
from cli.output import show_one

app = typer.Typer(no_args_is_help=True, help="Show how far back can be read, and what was trimmed.")

FIELDS = {
    "history": "kept.history",
    "bodies": "kept.bodies",
    "operations": "kept.operations",
    "quarantine": "kept.quarantine",
    "cap": "kept.cap",
    "horizon": "horizon",
    "horizon at": "horizon_at",
    "sealed": "sealed",
    "held by": "held_by",
    "held name": "held_name",
    "trimmed": "trimmed",
    "last run": "last_run",
    "next run": "next_run",
}


@app.command()
def show(output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """Show the horizon, what holds it back, what was trimmed, and when rows are trimmed next."""
    with client(url, key) as tether:
        show_one(tether.request("GET", path("retention")), output, FIELDS)
