"""`tether move`: moves one child to another parent."""

import json
from typing import Annotated

import typer

from cli import operations
from cli.client import client, path
from cli.options import ApiKey, Format, IdempotencyKey, Output, RelationshipName, Url, WaitForEnd, repeatable


def move(
    relationship: RelationshipName,
    child: Annotated[str, typer.Argument(metavar="CHILD", help="The child's key.")],
    to: Annotated[str, typer.Argument(metavar="TO", help="Key of the target parent.")],
    wait: WaitForEnd = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
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
