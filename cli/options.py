"""Options that many commands share, declared once. Order of precedence: flag, environment, file."""

from enum import StrEnum
from typing import Annotated
from uuid import uuid4

import typer

CONNECTION = "Connection"


class Format(StrEnum):
    """How an answer is printed: for people, as one JSON document, or as one JSON document per line."""

    text = "text"
    json = "json"
    jsonl = "jsonl"


Url = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="TETHER_URL",
        show_default="the running embedded stack, else http://127.0.0.1:8080",
        help="Where Tether's API is.",
        rich_help_panel=CONNECTION,
    ),
]
Key = Annotated[
    str,
    typer.Option(
        "--key",
        envvar="TETHER_KEY",
        show_default="the embedded stack's admin key",
        help="The API key to show.",
        rich_help_panel=CONNECTION,
    ),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print the answer.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many to show at most.")]
All = Annotated[bool, typer.Option("--all", help="Show all, however many there are.")]
AtLeast = Annotated[
    str, typer.Option("--at-least", metavar="TOKEN", help="Wait until what this token stands for is visible.")
]
AsOf = Annotated[str, typer.Option("--as-of", metavar="TOKEN", help="Show it as it was at this token.")]
Relationship = Annotated[str, typer.Argument(metavar="RELATIONSHIP", help="Its name, such as `group_channel`.")]
EntityKind = Annotated[str, typer.Argument(metavar="KIND", help="Such as `group`.")]
EntityKey = Annotated[str, typer.Argument(metavar="KEY", help="Its key at its owner.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has come to an end, and show how far it is.")]
IdempotencyKey = Annotated[
    str,
    typer.Option("--idempotency-key", show_default="a new one", help="Repeat with the same key: done once."),
]


def repeatable(idempotency_key: str) -> dict[str, str]:
    """The header that makes a request safe to repeat; an empty key stands for a new one."""
    return {"idempotency-key": idempotency_key or str(uuid4())}
