"""`tether quarantine …`: lists quarantined events and their causes."""

from typing import Annotated, Any

import typer

from cli.client import client, path
from cli.options import All, ApiKey, Format, Limit, Output, Url
from cli.output import show_one, show_pages

app = typer.Typer(
    no_args_is_help=True, help="List events that could not be recorded, and why; redrive and discard them."
)

COLUMNS = {
    "ID": "id",
    "RECEIVED": "received",
    "TIMES": "times",
    "TYPE": "type",
    "EVENT": "event_id",
    "REASON": "reason",
}
GROUPS = {
    "EVENTS": "events",
    "24 H": "day",
    "LAST SEEN": "last",
    "TYPE": "type",
    "CODE": "code",
    "FIELD": "field",
}
EVENT = {
    "id": "id",
    "type": "type",
    "source": "source",
    "event": "event_id",
    "code": "code",
    "field": "field",
    "reason": "reason",
    "sent by": "key",
    "first received": "first_received",
    "last received": "received",
    "times": "times",
    "as received": "raw",
}
SECONDS = 19
"""Characters of a time up to its seconds."""

TypeName = Annotated[str, typer.Option("--type", metavar="TYPE", help="Only events of this type.")]
Code = Annotated[str, typer.Option("--code", metavar="CODE", help="Only events that are there for this reason.")]
FieldName = Annotated[str, typer.Option("--field", metavar="FIELD", help="Only events whose reason is this field.")]
SourceName = Annotated[str, typer.Option("--source", metavar="SOURCE", help="Only events of this source.")]
Sender = Annotated[str, typer.Option("--sent-by", metavar="KEY", help="Only events that this API key sent.")]


@app.command("list")
def list_(
    type_: TypeName = "",
    code: Code = "",
    field: FieldName = "",
    source: SourceName = "",
    sender: Sender = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List quarantined events, each with its reason, newest first."""
    wanted = {"type": type_, "code": code, "field": field, "source": source, "key": sender}
    with client(url, key) as tether:
        pages = tether.pages(path("quarantine"), wanted, limit=None if all_ else limit)
        none = "There is no such event in quarantine." if any(wanted.values()) else "The quarantine is empty."
        show_pages(pages, output, COLUMNS, none)


@app.command()
def groups(
    type_: TypeName = "",
    code: Code = "",
    field: FieldName = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List the causes of what is in quarantine, each with how many events there are and how many came in 24 hours."""
    wanted = {"type": type_, "code": code, "field": field}
    with client(url, key) as tether:
        pages = tether.pages(path("quarantine", "groups"), wanted, limit=None if all_ else limit)
        if output is Format.text:
            pages = ({**page, "items": [_shown(item) for item in page["items"]]} for page in pages)
        none = "There is no such event in quarantine." if any(wanted.values()) else "The quarantine is empty."
        show_pages(pages, output, GROUPS, none)


@app.command()
def show(
    event: Annotated[int, typer.Argument(metavar="ID", min=0, help="Number of the event in quarantine.")],
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Show an event as it was received, and why it could not be recorded."""
    with client(url, key) as tether:
        show_one(tether.request("GET", path("quarantine", str(event)), expects="reason"), output, EVENT)


def _shown(group: dict[str, Any]) -> dict[str, Any]:
    return {
        **group,
        "day": sum(group["per_hour"]),
        "last": group["last_seen"][:SECONDS],
        "field": group["field"] or None,
    }
