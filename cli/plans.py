"""`tether plan …`: preview deletions, moves and detachments, and execute the previews."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import operations
from cli.client import ApiClient, client, path
from cli.options import (
    ApiKey,
    EntityKind,
    Format,
    IdempotencyKey,
    KeyArgument,
    Output,
    RelationshipName,
    Url,
    WaitForEnd,
    repeatable,
)
from cli.output import console, note, printable, show_document, show_line, table
from errors import Refused

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(no_args_is_help=True, help="Preview an operation on many children, then execute exactly that.")

PARTS = {
    "RELATIONSHIP": "relationship",
    "CHILDREN": "children",
    "KIND": "child_kind",
    "OWNER": "owner",
    "POLICY": "policy",
    "COMMAND": "command",
    "EXAMPLES": "sample",
}

PlanId = Annotated[str, typer.Argument(metavar="PLAN", help="Id of the plan, as printed when it was made.")]
Children = Annotated[
    list[str] | None, typer.Argument(metavar="[CHILD]...", show_default="all of --from", help="Keys of the children.")
]
From = Annotated[
    str, typer.Option("--from", metavar="PARENT", help="All children of this parent, instead of a list of children.")
]


@app.command()
def delete(kind: EntityKind, key_: KeyArgument, output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """Preview a deletion: the children it affects, and what restricts it."""
    with client(url, key) as tether:
        _show(create_plan(tether, {"delete": {"kind": kind, "key": key_}}), output)


@app.command()
def move(
    relationship: RelationshipName,
    to: Annotated[str, typer.Option("--to", metavar="PARENT", help="Target parent.")],
    children: Children = None,
    from_: From = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Preview moving children to another parent."""
    with client(url, key) as tether:
        request = {"relationship": relationship, "to": to, **_which("from", from_, children)}
        _show(create_plan(tether, {"move": request}), output)


@app.command()
def detach(
    relationship: RelationshipName,
    children: Children = None,
    from_: From = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Preview detaching children from their parents."""
    with client(url, key) as tether:
        request = {"relationship": relationship, **_which("parent", from_, children)}
        _show(create_plan(tether, {"detach": request}), output)


@app.command()
def show(plan: PlanId, output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """Show a plan, with the changes since it was made."""
    with client(url, key) as tether:
        _show(tether.request("GET", path("plans", plan), expects="hash"), output)


@app.command()
def execute(
    plan: PlanId,
    include_appeared: Annotated[
        bool,
        typer.Option(
            "--include-appeared", help="Only for a deletion: include children that have come since the plan was made."
        ),
    ] = False,
    wait: WaitForEnd = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Execute exactly what a plan names. A child that has left its parent since is skipped."""
    with client(url, key) as tether:
        operation = execute_plan(tether, plan, idempotency_key, include_appeared=include_appeared)
        operations.report(tether, operation, wait, output, hint=True)


def create_plan(tether: ApiClient, request: dict[str, Any]) -> dict[str, Any]:
    """Posts a plan request and returns the new plan."""
    body, headers = json.dumps(request).encode(), {"content-type": "application/json"}
    return tether.request("POST", path("plans"), body=body, headers=headers, expects="hash")


def check_executable(plan: dict[str, Any]) -> None:
    """Raises Refused, with the reasons, if a plan is restricted."""
    if plan["restricted"]:
        raise Refused(printable("; ".join(plan["restricted"])))


def execute_plan(
    tether: ApiClient, plan: str, idempotency_key: str, *, include_appeared: bool = False
) -> dict[str, Any]:
    """Executes the plan with this id and returns its operation.

    ``idempotency_key``: empty for none; ``include_appeared``: of a deletion, include children that have come since.
    """
    body = json.dumps({"appeared": "include" if include_appeared else "refuse"}).encode()
    headers = {"content-type": "application/json", **repeatable(idempotency_key)}
    return tether.request("POST", path("plans", plan, "execution"), body=body, headers=headers, expects="state")


def preview(plan: dict[str, Any], to: "Console") -> None:
    """Prints a plan to a console."""
    to.print(_headline(plan), style="bold")
    if plan["parts"]:
        to.print(table(PARTS, [{**part, "sample": _sample(part, "children")} for part in plan["parts"]]))
    else:
        to.print("No children are affected.")
    if plan.get("deleted"):  # servers of earlier versions do not say
        to.print(f"{plan['deleted']:,} entities would be deleted with it.")
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
        note(f"The plan was executed: `tether operations get {plan['operation']}` shows the progress.")
    elif plan["restricted"]:
        note("Remove what restricts the plan, then make a new one.")
    else:
        newer = " --include-appeared" if plan["kind"] == "delete" and plan["appeared"] else ""
        note(f"Nothing was changed. Run `tether plan execute {plan['id']}{newer}` to execute the plan.")


def _headline(plan: dict[str, Any]) -> str:
    if plan["entity"]:
        return printable(f"delete {plan['entity']['kind']} {plan['entity']['key']}")
    which = f"{plan['listed_children']:,} listed" if plan["listed_children"] else "all"
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
