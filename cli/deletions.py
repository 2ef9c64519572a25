"""`tether delete`: deletes an entity."""

import sys
from typing import Annotated

import typer

from cli import operations, plans
from cli.client import client, path
from cli.options import ApiKey, EntityKind, Format, IdempotencyKey, KeyArgument, Output, Url, WaitForEnd, repeatable
from cli.output import console, note


def delete(
    kind: EntityKind,
    key_: KeyArgument,
    wait: WaitForEnd = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Neither show the affected children nor ask for confirmation.")
    ] = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Delete an entity through its owner; policies apply to its children.

    At a terminal, shows a plan and executes it after confirmation. Without a terminal, --yes is required.
    """
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("without a terminal to confirm at, deleting requires --yes", param_hint="--yes")
    with client(url, key) as tether:
        if yes:
            operation = tether.request(
                "DELETE", path("entities", kind, key_), headers=repeatable(idempotency_key), expects="state"
            )
        else:
            plan = plans.create_plan(tether, {"delete": {"kind": kind, "key": key_}})
            plans.preview(plan, console(err=True))
            plans.check_executable(plan)
            if not _agreed():
                note("Nothing was deleted.")
                raise typer.Exit(1)
            operation = plans.execute_plan(tether, plan["id"], idempotency_key)
        operations.report(tether, operation, wait, output, hint=True)


def _agreed() -> bool:
    typer.echo("Delete it? [y/N] ", nl=False, err=True)  # not input(): its prompt may go to standard output
    return sys.stdin.readline().strip().lower() in ("y", "yes")
