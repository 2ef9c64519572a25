"""`tether operations …`, and how a command that began one ends."""

from contextlib import suppress
from typing import Annotated, Any

import typer

from cli.client import Client, client, path
from cli.options import All, Format, Key, Limit, Output, Url, Wait
from cli.output import note, show_one, show_pages
from cli.watch import OPEN, ending, follow
from errors import Refused, Unavailable

app = typer.Typer(no_args_is_help=True, help="What Tether was asked to do, and how far it is.")

FIELDS = {
    "operation": "id",
    "kind": "kind",
    "state": "state",
    "relationship": "relationship",
    "parent": "parent",
    "child": "child",
    "entity": "entity.kind",
    "key": "entity.key",
    "former parent": "former_parent",
    "plan": "plan",
    "cause": "cause",
    "reason": "reason",
    "stuck since": "stuck_since",
    "to stop since": "cancelled",
    "children": "progress.total",
    "remaining": "progress.remaining",
    "requested": "progress.requested",
    "confirmed": "progress.confirmed",
    "skipped": "progress.skipped",
    "parked": "progress.parked",
    "created": "created",
    "due": "due",
    "ended": "ended",
    "workflow": "workflow.url",
    "token": "token",
}
COLUMNS = {
    "OPERATION": "id",
    "KIND": "kind",
    "STATE": "state",
    "RELATIONSHIP": "relationship",
    "CHILD": "child",
    "PARENT": "parent",
    "ENTITY": "entity.kind",
    "KEY": "entity.key",
    "CHILDREN": "progress.total",
    "CONFIRMED": "progress.confirmed",
    "PARKED": "progress.parked",
    "CREATED": "created",
    "REASON": "reason",
}
CHILDREN = {
    "RELATIONSHIP": "relationship",
    "CHILD": "child",
    "PARENT": "parent",
    "STATE": "state",
    "AT": "at",
    "REASON": "reason",
}

Operation = Annotated[str, typer.Argument(metavar="OPERATION", help="Its id, as the command that began it printed.")]


@app.command("list")
def list_(
    kind: Annotated[str, typer.Option(help="link, unlink, move, delete, cascade or detach.")] = "",
    state: Annotated[
        str,
        typer.Option(
            help="open (all that have not ended), waiting, requested, running, done, incomplete, refused, expired, "
            "superseded or cancelled."
        ),
    ] = "",
    cause: Annotated[str, typer.Option(metavar="OPERATION", help="Only the cascades that follow from this one.")] = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """All operations, the newest first."""
    wanted = {"kind": kind, "state": state, "cause": cause}
    with client(url, key) as tether:
        pages = tether.pages(path("operations"), wanted, None if all_ else limit)
        none = "There is no such operation." if any(wanted.values()) else "There is no operation."
        show_pages(pages, output, COLUMNS, none)


@app.command()
def get(
    operation: Operation,
    wait: Wait = False,
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """One operation: its state and what it waits for."""
    with client(url, key) as tether:
        report(tether, _find(tether, operation), wait, output)


@app.command()
def watch(operation: Operation, output: Output = Format.text, url: Url = "", key: Key = "") -> None:
    """Show how far it is until it has come to an end; Ctrl-C stops watching, not the operation."""
    with client(url, key) as tether:
        report(tether, _find(tether, operation), True, output)


@app.command()
def cancel(
    operation: Operation,
    wait: Wait = False,
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """Let it ask for no more. Nothing is undone, and what owners were asked already may still come about."""
    with client(url, key) as tether:
        stopped = tether.ask("POST", path("operations", operation, "cancellation"), holds="state")
        report(tether, stopped, wait, output, wished="cancelled")


@app.command()
def redrive(
    operation: Operation,
    wait: Wait = False,
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """Ask anew for the children whose owner refused them, after its cause was mended."""
    with client(url, key) as tether:
        again = tether.ask("POST", path("operations", operation, "redrives"), holds="state")
        report(tether, again, wait, output, hint=True)


@app.command()
def children(
    operation: Operation,
    state: Annotated[str, typer.Option(help="planned, failing, requested, confirmed, skipped or parked.")] = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """The children that it concerns, and what became of each."""
    with client(url, key) as tether:
        pages = tether.pages(path("operations", operation, "children"), {"state": state}, None if all_ else limit)
        show_pages(pages, output, CHILDREN, "It has no such children." if state else "It has come to no children.")


def report(
    tether: Client, operation: dict[str, Any], wait: bool, output: Format, *, wished: str = "done", hint: bool = False
) -> None:
    """Print an operation, after its end if ``wait``; Refused if that end is not the one wished for.

    ``hint``: say how to watch it, if it is not waited for.
    """
    if wait:
        operation = follow(tether, operation)
    show_one(operation, output, FIELDS)
    if wait and output is Format.text and operation["kind"] in ("delete", "cascade"):
        _tell_what_follows(tether, operation["id"])
    if wait and operation["state"] != wished:
        raise Refused(ending(operation))
    if hint and output is Format.text and operation["state"] in OPEN:
        note(f"It has begun. `tether operations watch {operation['id']}` shows how far it is.")


def _tell_what_follows(tether: Client, operation: str) -> None:
    """Children that it had deleted may have children of their own, which are others' to see to."""
    with suppress(Unavailable):  # how it ended is said already, and is true
        following = tether.ask(
            "GET", path("operations"), {"cause": operation, "state": "open", "limit": 1}, holds="items"
        )
        if following["items"]:
            note(f"What follows from it goes on: `tether operations list --cause {operation} --state open`.")


def _find(tether: Client, operation: str) -> dict[str, Any]:
    return tether.ask("GET", path("operations", operation), holds="state")
