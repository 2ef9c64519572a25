"""Options that several commands share. Precedence: flag, environment variable, file."""

from enum import StrEnum
from typing import Annotated
from uuid import uuid4

import typer

CONNECTION = "Connection"


class Format(StrEnum):
    """Output formats: tables for people, one JSON document, or one JSON document per line."""

    text = "text"
    json = "json"
    jsonl = "jsonl"


Url = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="TETHER_URL",
        show_default="the running embedded stack, else http://127.0.0.1:8080",
        help="Address of Tether's API.",
        rich_help_panel=CONNECTION,
    ),
]
ApiKey = Annotated[
    str,
    typer.Option(
        "--key",
        envvar="TETHER_KEY",
        show_default="the embedded stack's admin key",
        help="API key.",
        rich_help_panel=CONNECTION,
    ),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="Output format.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Maximum number of items to show.")]
All = Annotated[bool, typer.Option("--all", help="Show all items.")]
AtLeast = Annotated[
    str, typer.Option("--at-least", metavar="TOKEN", help="Read at this revision or a newer one; waits for it.")
]
AsOf = Annotated[str, typer.Option("--as-of", metavar="TOKEN", help="Read as of this revision.")]
RelationshipName = Annotated[
    str, typer.Argument(metavar="RELATIONSHIP", help="Name of the relationship, such as `group_channel`.")
]
EntityKind = Annotated[str, typer.Argument(metavar="KIND", help="Kind of the entity, such as `group`.")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Key of the entity.")]
WaitForEnd = Annotated[bool, typer.Option("--wait", help="Wait until the operation has ended; shows its progress.")]
IdempotencyKey = Annotated[
    str,
    typer.Option("--idempotency-key", show_default="a new one", help="Requests with the same key take effect once."),
]


def repeatable(idempotency_key: str) -> dict[str, str]:
    """Returns the Idempotency-Key header; an empty key is replaced by a new one."""
    return {"idempotency-key": idempotency_key or str(uuid4())}
