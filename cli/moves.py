"""`tether move`: moves one child to another parent."""

import json
from typing import Annotated

import typer

from cli import operations
from cli.client import client, path
from cli.options import Format, IdempotencyKey, Key, Output, Relationship, Url, Wait, repeatable


def move(
    relationship: Relationship,
    child: Annotated[str, typer.Argument(metavar="CHILD", help="The child's key.")],
    to: Annotated[str, typer.Argument(metavar="TO", help="Key of the target parent.")],
    wait: Wait = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: Key = "",
) -> None:
    """Move a child to another parent, through the child's owner.

    The move is requested once both exist. For many children, see `tether plan move`.
    """
    with client(url, key) as tether:
        operation = tether.request(
            "POST",
            path("relationships", relationship, "moves"),
            body=json.dumps({"child": child, "to": to}).encode(),
            headers={"content-type": "application/json", **repeatable(idempotency_key)},
            expects="state",
        )
        operations.report(tether, operation, wait, output, hint=True)
