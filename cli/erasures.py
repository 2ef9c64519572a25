"""`tether erase` and `tether erasures show`: erases the data of an entity, and shows what was erased where."""

import json
import sys
import time
from typing import Annotated, Any

import typer

from cli.client import ApiClient, client, path
from cli.options import ApiKey, EntityKind, Format, IdempotencyKey, KeyArgument, Output, Url, repeatable
from cli.output import note, show_one

app = typer.Typer(no_args_is_help=True, help="Show what was erased where.")

PLAN = {
    "kind": "kind",
    "key": "key",
    "rows": "rows",
    "merged with": "merged_with",
    "owner": "owner",
    "command": "command",
    "replicas": "replicas",
    "outside": "outside",
}
CERTIFICATE = {
    "erasure": "id",
    "kind": "kind",
    "key": "key",
    "state": "state",
    "reason": "reason",
    "by": "actor",
    "requested": "requested",
    "erased": "erased",
    "rows": "rows",
    "owner": "owner.name",
    "command": "owner.command",
    "owner replied": "owner.state",
    "owner said": "owner.error",
    "replicas": "replicas",
    "consumers to follow": "consumers",
    "rewrite": "rewrite",
    "vacuumed": "vacuumed",
    "ended": "ended",
    "outside": "outside",
    "token": "token",
}
PAUSE = 0.5
"""Seconds between two looks at an erasure that is waited for."""


def erase(
    kind: EntityKind,
    key_: KeyArgument,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until no read finds the data any more.")] = False,
    rewrite: Annotated[
        bool,
        typer.Option("--rewrite", help="Write the files of the tables again, each under a lock."),
    ] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="For people; it is kept.")] = "",
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Erase the data of an entity wherever Tether keeps it. It cannot be undone.

    At a terminal, shows what would be erased and waits for confirmation. Without a terminal, --yes is required.
    """
    if not yes and not plan and not sys.stdin.isatty():
        raise typer.BadParameter("without a terminal to confirm at, erasing requires --yes", param_hint="--yes")
    at = path("entities", kind, key_, "erasure")
    with client(url, key) as tether:
        if plan or not yes:
            show_one(tether.request("GET", at, expects="rows"), output if plan else Format.text, PLAN)
        if plan:
            return
        if not yes and not _confirmed():
            note("Nothing was erased.")
            raise typer.Exit(1)
        body = json.dumps({"reason": reason, "rewrite": rewrite}).encode()
        found = tether.request("POST", at, body=body, headers=repeatable(idempotency_key), expects="state")
        if wait:
            found = _wait(tether, found)
    show_one(found, output, CERTIFICATE)


@app.command()
def show(
    erasure: Annotated[str, typer.Argument(metavar="ERASURE", help="Id of the erasure.")],
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Show the certificate of an erasure: what was erased where, and what is outside."""
    with client(url, key) as tether:
        show_one(tether.request("GET", path("erasures", erasure), expects="state"), output, CERTIFICATE)


def _wait(tether: ApiClient, found: dict[str, Any]) -> dict[str, Any]:
    while found["state"] == "requested":
        time.sleep(PAUSE)
        found = tether.request("GET", path("erasures", found["id"]), expects="state")
    return found


def _confirmed() -> bool:
    typer.echo("Erase it for ever? [y/N] ", nl=False, err=True)  # not input(): its prompt may go to standard output
    return sys.stdin.readline().strip().lower() in ("y", "yes")
