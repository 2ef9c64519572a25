"""`tether links …`: reads and explains links; links and unlinks."""

import json
from typing import Annotated

import typer

from cli import operations
from cli.client import client, path
from cli.options import (
    All,
    ApiKey,
    AsOf,
    AtLeast,
    Format,
    IdempotencyKey,
    Limit,
    Output,
    RelationshipName,
    Url,
    WaitForEnd,
    repeatable,
)
from cli.output import show_one, show_pages, show_table

app = typer.Typer(no_args_is_help=True, help="List and explain links; link and unlink.")

COLUMNS = {"CHILD": "child", "PARENT": "parent", "STATE": "state", "SINCE": "since", "DUE": "due"}
WHY = {
    "": "sentence",
    "state": "state",
    "parent": "parent",
    "since": "since",
    "waiting for": "waiting_for.kind",
    "owner": "waiting_for.owner",
    "waiting since": "waiting_since",
    "due": "due",
    "overdue notified": "overdue_notified_at",
    "workflow": "workflow.url",
}
FACTS = {
    "FACT": "type",
    "SOURCE": "source",
    "ID": "id",
    "SEQUENCE": "sequence",
    "TIME": "time",
    "EFFECT": "effect_on_link",
}
STALE = {
    "FACT": "type",
    "SOURCE": "source",
    "ID": "id",
    "SEQUENCE": "sequence",
    "TIME": "time",
    "OLDER THAN": "older_than.id",
}
HISTORY = {"PARENT": "parent", "FROM": "from", "TO": "to"}

ChildKey = Annotated[str, typer.Argument(metavar="CHILD", help="The child's key.")]
OneParent = Annotated[str, typer.Option("--parent", help="Many to many: which link of the child; needed there.")]


@app.command("list")
def list_(
    relationship: RelationshipName,
    parent: Annotated[str, typer.Option(help="Only children of this parent.")] = "",
    child: Annotated[str, typer.Option(help="Only this child.")] = "",
    state: Annotated[str, typer.Option(help="linked, waiting, overdue, broken or conflict.")] = "",
    as_of: AsOf = "",
    at_least: AtLeast = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List the links of a relationship."""
    with client(url, key) as tether:
        query = {"parent": parent, "child": child, "state": state, "as_of": as_of, "at_least": at_least}
        pages = tether.pages(path("relationships", relationship, "links"), query, None if all_ else limit)
        show_pages(pages, output, COLUMNS, f"{relationship} has no such link.")


@app.command()
def why(
    relationship: RelationshipName,
    child: ChildKey,
    parent: OneParent = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Explain a link: the facts that caused its state, and the child's former parents."""
    with client(url, key) as tether:
        at = path("relationships", relationship, "links", child, "why")
        answer = tether.request("GET", at, {"parent": parent}, expects="facts")
    show_one(answer, output, WHY)
    if output is Format.text:
        for heading, columns, items in (
            ("\nDecided by", FACTS, answer["facts"]),
            ("\nOlder, and without effect on the link", STALE, answer.get("stale_facts")),
            ("\nHistory", HISTORY, answer["history"]),
        ):
            if items:
                typer.echo(heading)
                show_table(columns, items)


@app.command()
def link(
    relationship: RelationshipName,
    parent: Annotated[str, typer.Argument(metavar="PARENT", help="The parent's key.")],
    child: ChildKey,
    wait: WaitForEnd = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Link a child to a parent, once both exist."""
    with client(url, key) as tether:
        operation = tether.request(
            "POST",
            path("relationships", relationship, "links"),
            body=json.dumps({"parent": parent, "child": child}).encode(),
            headers={"content-type": "application/json", **repeatable(idempotency_key)},
            expects="state",
        )
        operations.report(tether, operation, wait, output)


@app.command()
def unlink(
    relationship: RelationshipName,
    child: ChildKey,
    parent: OneParent = "",
    wait: WaitForEnd = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Unlink a child from its parent, or from one of its parents."""
    with client(url, key) as tether:
        operation = tether.request(
            "DELETE",
            path("relationships", relationship, "links", child),
            {"parent": parent},
            headers=repeatable(idempotency_key),
            expects="state",
        )
        operations.report(tether, operation, wait, output)
