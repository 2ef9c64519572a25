"""`tether operations …`, and waiting for one."""

import time
from typing import Annotated, Any

import typer

from commands.client import Client, client, path
from commands.options import Format, Key, Output, Url
from commands.output import show_one
from errors import Refused

app = typer.Typer(no_args_is_help=True, help="What Tether was asked to do, and how far it is.")

FIELDS = {
    "operation": "id",
    "kind": "kind",
    "state": "state",
    "relationship": "relationship",
    "parent": "parent",
    "child": "child",
    "reason": "reason",
    "created": "created",
    "due": "due",
    "workflow": "workflow.url",
    "token": "token",
}
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two looks


@app.command()
def get(
    operation: Annotated[str, typer.Argument(help="Its id, as the command that began it printed.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has come to an end.")] = False,
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """One operation: its state and what it waits for."""
    with client(url, key) as tether:
        report(tether, tether.ask("GET", path("operations", operation), holds="state"), wait, output)


def report(tether: Client, operation: dict[str, Any], wait: bool, output: Format) -> None:
    """Print an operation, after its end if ``wait``; Refused if that end is not the one wished for."""
    pause = FIRST_PAUSE
    while wait and operation["state"] == "waiting":
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
        operation = tether.ask("GET", path("operations", operation["id"]), holds="state")
    show_one(operation, output, FIELDS)
    if wait and operation["state"] != "done":
        reason = operation.get("reason") or "no reason was given"
        raise Refused(f"Operation {operation['id']} was {operation['state']}: {reason}.")
