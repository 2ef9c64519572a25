"""`tether delete`: an entity, with what becomes of its children."""

import sys
from typing import Annotated

import typer

from cli import operations, plans
from cli.client import client, path
from cli.options import EntityKey, EntityKind, Format, IdempotencyKey, Key, Output, Url, Wait, repeatable
from cli.output import console, note


def delete(
    kind: EntityKind,
    key_: EntityKey,
    wait: Wait = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't show what that concerns, and don't ask.")] = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """Have an entity deleted by its owner, and its children seen to.

    At a terminal it shows first what that concerns, and asks; then exactly that is done. Without one it takes --yes.
    """
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask at, so deleting takes --yes", param_hint="--yes")
    with client(url, key) as tether:
        if yes:
            operation = tether.ask(
                "DELETE", path("entities", kind, key_), headers=repeatable(idempotency_key), holds="state"
            )
        else:
            plan = plans.create_plan(tether, {"delete": {"kind": kind, "key": key_}})
            plans.preview(plan, console(err=True))
            plans.check_executable(plan)
            if not _agreed():
                note("Nothing was done.")
                raise typer.Exit(1)
            operation = plans.execute_plan(tether, plan["id"], idempotency_key)
        operations.report(tether, operation, wait, output, hint=True)


def _agreed() -> bool:
    typer.echo("Delete it? [y/N] ", nl=False, err=True)  # a prompt of readline's would be on standard output
    return sys.stdin.readline().strip().lower() in ("y", "yes")
