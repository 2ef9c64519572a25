"""`tether operations …`: lists, watches, cancels and redrives operations; reports on those that commands start."""

from contextlib import suppress
from typing import Annotated, Any

import typer

from cli.client import ApiClient, client, path
from cli.options import All, ApiKey, Format, Limit, Output, Url, WaitForEnd
from cli.output import note, show_one, show_pages
from cli.watch import OPEN, ending, wait_for_end
from errors import Refused, Unavailable

app = typer.Typer(no_args_is_help=True, help="List, watch, cancel and redrive operations.")

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
    "cancellation requested": "cancellation_requested_at",
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
    "CHANGED": "changed_at",
    "REASON": "reason",
}

OperationId = Annotated[str, typer.Argument(metavar="OPERATION", help="Id of the operation.")]


@app.command("list")
def list_(
    kind: Annotated[str, typer.Option(help="link, unlink, move, delete, cascade, detach, merge or unmerge.")] = "",
    state: Annotated[
        str,
        typer.Option(
            help="open (all that have not ended), waiting, requested, running, done, incomplete, refused, expired, "
            "superseded or cancelled."
        ),
    ] = "",
    cause: Annotated[str, typer.Option(metavar="OPERATION", help="Only cascades that follow from this one.")] = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List operations, newest first."""
    wanted = {"kind": kind, "state": state, "cause": cause}
    with client(url, key) as tether:
        pages = tether.pages(path("operations"), wanted, None if all_ else limit)
        none = "There is no such operation." if any(wanted.values()) else "There is no operation."
        show_pages(pages, output, COLUMNS, none)


@app.command()
def get(
    operation: OperationId,
    wait: WaitForEnd = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Show an operation: its state, its progress and what it waits for."""
    with client(url, key) as tether:
        report(tether, _find(tether, operation), wait, output)


@app.command()
def watch(operation: OperationId, output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """Show the progress of an operation until it ends. Ctrl-C stops watching, not the operation."""
    with client(url, key) as tether:
        report(tether, _find(tether, operation), True, output)


@app.command()
def cancel(
    operation: OperationId,
    wait: WaitForEnd = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Cancel an operation: no further command is sent.

    Nothing is undone, and what has been requested from owners may still happen.
    """
    with client(url, key) as tether:
        stopped = tether.request("POST", path("operations", operation, "cancellation"), expects="state")
        report(tether, stopped, wait, output, expected="cancelled")


@app.command()
def redrive(
    operation: OperationId,
    wait: WaitForEnd = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Redrive parked children: send the command again for each.

    First remove the cause for which their owner refused them.
    """
    with client(url, key) as tether:
        again = tether.request("POST", path("operations", operation, "redrives"), expects="state")
        report(tether, again, wait, output, hint=True)


@app.command()
def children(
    operation: OperationId,
    state: Annotated[str, typer.Option(help="planned, failing, requested, confirmed, skipped or parked.")] = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List the children of an operation, with the state of each."""
    with client(url, key) as tether:
        pages = tether.pages(path("operations", operation, "children"), {"state": state}, None if all_ else limit)
        show_pages(pages, output, CHILDREN, "It has no such children." if state else "It has processed no children.")


def report(
    tether: ApiClient,
    operation: dict[str, Any],
    wait: bool,
    output: Format,
    *,
    expected: str = "done",
    hint: bool = False,
) -> None:
    """Prints an operation.

    ``wait``: wait for its end first, and raise Refused if its state is then not ``expected``; ``output``: the format;
    ``hint``: say how to watch an operation that has not ended.
    """
    if wait:
        operation = wait_for_end(tether, operation)
    show_one(operation, output, FIELDS)
    if wait and output is Format.text and operation["kind"] in ("delete", "cascade"):
        _note_open_cascades(tether, operation["id"])
    if wait and operation["state"] != expected:
        raise Refused(ending(operation))
    if hint and output is Format.text and operation["state"] in OPEN:
        note(f"Started. `tether operations watch {operation['id']}` shows its progress.")


def _note_open_cascades(tether: ApiClient, operation: str) -> None:
    """Says so if cascades that follow from the operation have not ended."""
    with suppress(Unavailable):  # the result is printed already
        following = tether.request(
            "GET", path("operations"), {"cause": operation, "state": "open", "limit": 1}, expects="items"
        )
        if following["items"]:
            note(f"Cascades that follow from it continue: `tether operations list --cause {operation} --state open`.")


def _find(tether: ApiClient, operation: str) -> dict[str, Any]:
    return tether.request("GET", path("operations", operation), expects="state")
