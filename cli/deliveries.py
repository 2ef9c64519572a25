"""`tether consumers …`, the commands about webhooks: what is delivered, what is not, and what to do about it."""

from typing import Annotated, Any

import orjson
import typer

from cli.client import ApiClient, client, path
from cli.options import All, ApiKey, Format, Limit, Output, Url
from cli.output import note, show_one, show_pages

app = typer.Typer(no_args_is_help=True)

FIELDS = {
    "consumer": "consumer",
    "url": "url",
    "batch": "batch",
    "state": "state",
    "reason": "reason",
    "consented": "consented",
    "failures": "failures",
    "failing since": "failing_since",
    "next attempt": "retry_at",
    "failing items": "failing",
    "items behind them": "behind",
    "parked items": "parked",
    "former secret until": "former_secret_until",
    "secret": "secret",
}
ITEMS = {
    "ITEM": "item",
    "SUBJECT": "subject",
    "STATE": "state",
    "FAILURES": "failures",
    "DUE": "due",
    "STATUS": "status",
    "WORDS": "words",
}
ATTEMPTS = {
    "NUMBER": "number",
    "AT": "at",
    "ITEMS": "items",
    "LAST ITEM": "last_item",
    "OUTCOME": "outcome",
    "STATUS": "status",
    "WORDS": "words",
    "MS": "milliseconds",
}
ConsumerArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the consumer.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="Ids of items.", show_default="all parked ones")]
Secret = Annotated[
    str,
    typer.Option(
        "--secret",
        envvar="TETHER_WEBHOOK_SECRET",
        show_default="one is made, and shown once",
        help="Signs deliveries: whsec_ and the base64 of 24 to 64 bytes.",
    ),
]
Batch = Annotated[int, typer.Option(min=1, max=1_000, help="Items in one message, at most.")]
Consent = Annotated[bool, typer.Option(help="Request the receiver's consent before the first delivery.")]


def put_webhook(tether: ApiClient, name: str, target: str, secret: str, batch: int, consent: bool) -> dict[str, Any]:
    """Sets the webhook of a consumer; returns it, with a secret that was made for it."""
    body: dict[str, Any] = {"url": target, "batch": batch, "consent": consent}
    if secret:
        body["secret"] = secret
    return tether.request("PUT", path("consumers", name, "webhook"), body=orjson.dumps(body), expects="consumer")


@app.command()
def webhook(
    name: ConsumerArgument,
    target: Annotated[str, typer.Argument(metavar="[WEBHOOK]", help="URL to deliver to from now on.")] = "",
    secret: Secret = "",
    batch: Batch = 100,
    consent: Consent = True,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Show where a consumer's feed is delivered to and how that goes, or set it."""
    with client(url, key) as tether:
        if target:
            _show(put_webhook(tether, name, target, secret, batch, consent), output)
        else:
            _show(tether.request("GET", path("consumers", name, "webhook"), expects="consumer"), output)


@app.command()
def deliveries(
    name: ConsumerArgument,
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List the items that the receiver has not accepted."""
    with client(url, key) as tether:
        pages = tether.pages(path("consumers", name, "deliveries"), limit=None if all_ else limit)
        show_pages(pages, output, ITEMS, "Everything before its position is delivered.")


@app.command()
def attempts(name: ConsumerArgument, output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """List the last requests to the receiver, with its answers."""
    with client(url, key) as tether:
        page = tether.request("GET", path("consumers", name, "attempts"), expects="items")
        show_pages(iter([page]), output, ATTEMPTS, "Nothing was sent yet.")


@app.command()
def redrive(name: ConsumerArgument, ids: Ids = None, url: Url = "", key: ApiKey = "") -> None:
    """Try parked items again, at once."""
    _change(name, "redrive", ids, "Redriven", url, key)


@app.command()
def discard(name: ConsumerArgument, ids: Ids = None, url: Url = "", key: ApiKey = "") -> None:
    """Drop parked items for good; those behind them follow."""
    _change(name, "discard", ids, "Discarded", url, key)


@app.command()
def resend(
    name: ConsumerArgument,
    id: Annotated[str, typer.Argument(metavar="ID", help="Id of an item of the feed.")],
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Deliver one item once more, by the same id."""
    with client(url, key) as tether:
        tether.request("POST", path("consumers", name, "resends"), body=orjson.dumps({"item": id}), expects="items")
    typer.echo("To be delivered once more: 1.")


@app.command()
def replay(
    name: ConsumerArgument,
    since: Annotated[str, typer.Option(metavar="TIME", help="What was written at this time or later.")] = "",
    offset: Annotated[str, typer.Option(help="What follows this offset; -1: everything.")] = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Deliver everything since a time, or after an offset, again: give one of both."""
    body = {name: value for name, value in (("since", since), ("offset", offset)) if value}
    with client(url, key) as tether:
        found = tether.request("POST", path("consumers", name, "replays"), body=orjson.dumps(body), expects="consumer")
        _show(found, output)


@app.command()
def enable(name: ConsumerArgument, output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """Let the deliveries begin again, at once."""
    with client(url, key) as tether:
        _show(tether.request("POST", path("consumers", name, "webhook", "enable"), expects="consumer"), output)


@app.command()
def rotate(
    name: ConsumerArgument,
    secret: Secret = "",
    grace_seconds: Annotated[
        int, typer.Option(min=0, help="For how long messages carry the signature of the former one, too.")
    ] = 24 * 3600,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Replace the secret that signs the deliveries."""
    body: dict[str, Any] = {"grace_seconds": grace_seconds}
    if secret:
        body["secret"] = secret
    with client(url, key) as tether:
        found = tether.request(
            "POST", path("consumers", name, "webhook", "secrets"), body=orjson.dumps(body), expects="consumer"
        )
        _show(found, output)


def _change(name: str, action: str, ids: list[str] | None, done: str, url: str, key: str) -> None:
    with client(url, key) as tether:
        body = orjson.dumps({"items": ids} if ids else {})
        found = tether.request("POST", path("consumers", name, "deliveries", action), body=body, expects="items")
    typer.echo(f"{done}: {found['items']}.")


def _show(found: dict[str, Any], output: Format) -> None:
    show_one(found, output, FIELDS)
    warn_of_secret(found)


def warn_of_secret(found: dict[str, Any]) -> None:
    """Says that a secret which was made is not shown again. ``found``: the webhook."""
    if found.get("secret"):
        note("The secret is shown only now. Give it to the receiver.")
