"""`tether plan …`: see what would be done to many, and do exactly that."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import operations
from cli.client import Client, client, path
from cli.options import EntityKey, EntityKind, Format, IdempotencyKey, Key, Output, Relationship, Url, Wait, repeatable
from cli.output import console, note, printable, show_document, show_line, table
from errors import Refused

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(no_args_is_help=True, help="See what would be done to many, and do exactly that.")

PARTS = {
    "RELATIONSHIP": "relationship",
    "CHILDREN": "children",
    "KIND": "child_kind",
    "OWNER": "owner",
    "POLICY": "policy",
    "ASKED": "command",
    "SUCH AS": "sample",
}

Plan = Annotated[str, typer.Argument(metavar="PLAN", help="Its id, as the command that made it printed.")]
Children = Annotated[
    list[str] | None, typer.Argument(metavar="[CHILD]...", show_default="all of --from", help="These.")
]
From = Annotated[str, typer.Option("--from", metavar="PARENT", help="Instead of naming children: all of this parent.")]


@app.command()
def delete(kind: EntityKind, key_: EntityKey, output: Output = Format.text, url: Url = "", key: Key = "") -> None:
    """What would go with an entity, or keep it from being deleted."""
    with client(url, key) as tether:
        _show(made(tether, {"delete": {"kind": kind, "key": key_}}), output)


@app.command()
def move(
    relationship: Relationship,
    to: Annotated[str, typer.Option("--to", metavar="PARENT", help="Where to.")],
    children: Children = None,
    from_: From = "",
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """Which children would go to another parent."""
    with client(url, key) as tether:
        wanted = {"relationship": relationship, "to": to, **_which("from", from_, children)}
        _show(made(tether, {"move": wanted}), output)


@app.command()
def detach(
    relationship: Relationship,
    children: Children = None,
    from_: From = "",
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """Which children would be taken out of their parents."""
    with client(url, key) as tether:
        wanted = {"relationship": relationship, **_which("parent", from_, children)}
        _show(made(tether, {"detach": wanted}), output)


@app.command()
def show(plan: Plan, output: Output = Format.text, url: Url = "", key: Key = "") -> None:
    """A plan, and what has changed since it was made."""
    with client(url, key) as tether:
        _show(tether.ask("GET", path("plans", plan), holds="hash"), output)


@app.command()
def execute(
    plan: Plan,
    include_appeared: Annotated[
        bool, typer.Option("--include-appeared", help="Of a deletion: children too that have come since.")
    ] = False,
    wait: Wait = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """Do what a plan names, and nothing else. A child that has left since is spared."""
    with client(url, key) as tether:
        operation = executed(tether, plan, idempotency_key, include_appeared=include_appeared)
        operations.report(tether, operation, wait, output, hint=True)


def made(tether: Client, wanted: dict[str, Any]) -> dict[str, Any]:
    """A new plan."""
    body, headers = json.dumps(wanted).encode(), {"content-type": "application/json"}
    return tether.ask("POST", path("plans"), body=body, headers=headers, holds="hash")


def check(plan: dict[str, Any]) -> None:
    """Raises Refused if it cannot be executed."""
    if plan["restricted"]:
        raise Refused(printable("; ".join(plan["restricted"])))


def executed(tether: Client, plan: str, idempotency_key: str, *, include_appeared: bool = False) -> dict[str, Any]:
    """The operation that executes it."""
    body = json.dumps({"appeared": "include" if include_appeared else "refuse"}).encode()
    headers = {"content-type": "application/json", **repeatable(idempotency_key)}
    return tether.ask("POST", path("plans", plan, "execution"), body=body, headers=headers, holds="state")


def preview(plan: dict[str, Any], to: "Console") -> None:
    """A plan, for people."""
    to.print(_headline(plan), style="bold")
    if plan["parts"]:
        to.print(table(PARTS, [{**part, "sample": _sample(part, "children")} for part in plan["parts"]]))
    else:
        to.print("No children are concerned.")
    to.print(f"plan {plan['id']}, hash {plan['hash']}")
    for what, style in (("appeared", "yellow"), ("vanished", "")):
        for change in plan[what]:
            words = f"{change['count']:,} of {change['relationship']}: {_sample(change, 'count')}"
            to.print(f"{what} since: {printable(words)}", style=style)
    for reason in plan["restricted"]:
        to.print(printable(f"cannot be executed: {reason}"), style="red")


def _show(plan: dict[str, Any], output: Format) -> None:
    if output is not Format.text:
        show_document(plan) if output is Format.json else show_line(plan)
        return
    preview(plan, console())
    if plan["operation"]:
        note(f"It was executed: `tether operations get {plan['operation']}` says what became of it.")
    elif plan["restricted"]:
        note("Mend what keeps it from being executed, and make a new one.")
    else:
        newer = " --include-appeared" if plan["kind"] == "delete" and plan["appeared"] else ""
        note(f"Nothing is done yet. `tether plan execute {plan['id']}{newer}` does it.")


def _headline(plan: dict[str, Any]) -> str:
    if plan["entity"]:
        return printable(f"delete {plan['entity']['kind']} {plan['entity']['key']}")
    which = f"{plan['named']:,} named" if plan["named"] else "all"
    of = f" from {plan['parent']}" if plan["parent"] else ""
    to = f" to {plan['to']}" if plan["to"] else ""
    return printable(f"{plan['kind']} {which} of {plan['relationship']}{of}{to}")


def _sample(part: dict[str, Any], count: str) -> str:
    return ", ".join(part["sample"]) + (", …" if part[count] > len(part["sample"]) else "")


def _which(field: str, parent: str, children: list[str] | None) -> dict[str, Any]:
    if bool(parent) == bool(children):
        raise typer.BadParameter(
            "name either the parent whose children are meant, or the children", param_hint="--from"
        )
    return {field: parent} if parent else {"children": children}
