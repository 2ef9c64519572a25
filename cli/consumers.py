"""`tether consumers …`: lists, registers and deletes consumers of the feed."""

from typing import Annotated, Any

import orjson
import typer

from cli import deliveries
from cli.client import client, path
from cli.deliveries import Batch, Consent, ConsumerArgument, Secret, put_webhook
from cli.feed import Changes, Filters, Kind, Parent, Relationship, Replica
from cli.options import All, ApiKey, Format, Limit, Output, Url
from cli.output import show_one, show_pages

app = typer.Typer(no_args_is_help=True, help="List, register and delete consumers of the feed; deliver it to them.")

COLUMNS = {
    "NAME": "name",
    "STATE": "state",
    "LAG": "lag.revisions",
    "SECONDS": "lag.seconds",
    "GENERATION": "generation",
    "HOLDER": "holder",
    "ACKNOWLEDGED": "acknowledged_at",
}
FIELDS = {
    "name": "name",
    "state": "state",
    "lag (revisions)": "lag.revisions",
    "lag (seconds)": "lag.seconds",
    "at risk after (seconds)": "at_risk_seconds",
    "filter": "filter",
    "offset": "offset",
    "generation": "generation",
    "holder": "holder",
    "since": "generation_at",
    "acknowledged": "acknowledged_at",
    "registered": "created_at",
    "by": "actor",
    "note": "note",
    "webhook": "webhook.url",
    "secret": "webhook.secret",
}


app.add_typer(deliveries.app)  # without a name: its commands are those of this one


@app.command("list")
def list_(limit: Limit = 100, all_: All = False, output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """List consumers by name, each with its lag and state."""
    with client(url, key) as tether:
        pages = tether.pages(path("consumers"), limit=None if all_ else limit)
        show_pages(pages, output, COLUMNS, "No consumer is registered.")


@app.command()
def show(name: ConsumerArgument, output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """Show one consumer."""
    with client(url, key) as tether:
        show_one(tether.request("GET", path("consumers", name), expects="generation"), output, FIELDS)


@app.command()
def create(
    name: ConsumerArgument,
    relationship: Relationship = "",
    kind: Kind = "",
    parent: Parent = "",
    replica: Replica = "",
    filters: Filters = "",
    changes: Changes = False,
    offset: Annotated[
        str,
        typer.Option(
            show_default="-1 for a new one", help="Where it starts: -1 (the first change), now, or an offset."
        ),
    ] = "",
    at_risk_seconds: Annotated[
        int,
        typer.Option(
            min=0, show_default="a day, or less", help="It is at risk when what it has to read next is older."
        ),
    ] = 0,
    note: Annotated[str, typer.Option(help="For people: who it is.")] = "",
    webhook: Annotated[str, typer.Option(metavar="URL", help="Deliver its feed there, signed.")] = "",
    secret: Secret = "",
    batch: Batch = 100,
    consent: Consent = True,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Register a consumer, or change what is said of it.

    Of one that is registered, another --offset starts it again there. With --webhook it needs no process that reads.
    """
    given = {
        "relationship": relationship,
        "kind": kind,
        "parent": parent,
        "replica": replica,
        "filters": filters,
        "changes": "only" if changes else "",
    }
    body: dict[str, Any] = {
        "filter": {name: value for name, value in given.items() if value},
        "note": note,
        **({"at_risk_seconds": at_risk_seconds} if at_risk_seconds else {}),
        **({"offset": offset} if offset else {}),
    }
    with client(url, key) as tether:
        answer = tether.request("PUT", path("consumers", name), body=orjson.dumps(body), expects="generation")
        if webhook:
            answer["webhook"] = put_webhook(tether, name, webhook, secret, batch, consent)
        show_one(answer, output, FIELDS)
        deliveries.warn_of_secret(answer.get("webhook", {}))


@app.command()
def delete(name: ConsumerArgument, url: Url = "", key: ApiKey = "") -> None:
    """Delete a consumer: nothing is kept for it any longer."""
    with client(url, key) as tether:
        tether.request("DELETE", path("consumers", name))
    typer.echo(f"Deleted: {name}.")
