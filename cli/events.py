"""`tether events …`: publishes facts."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import orjson
import typer

from cli.client import client, path
from cli.options import ApiKey, Format, Output, Url
from cli.output import note, show_one
from errors import Refused
from facts.byte_order_marks import without_marks

app = typer.Typer(no_args_is_help=True, help="Publish facts.")

ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"
FIELDS = {
    name: name
    for name in ("accepted", "stale", "duplicates", "ignored", "quarantined", "rejected", "warnings", "token")
}
MENDS = {
    "quarantined": "`tether quarantine list` shows them.",
    "rejected": "Correct them and publish them again.",
}
"""By outcome."""
BUILDER = "Instead of JSON"


@app.command()
def publish(
    event: Annotated[
        str, typer.Argument(show_default="standard input", help="A CloudEvent as JSON, or an array of them.")
    ] = "",
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read from this file; `-`: standard input.")] = None,
    type_: Annotated[str, typer.Option("--type", help="Such as GroupCreated.v1.", rich_help_panel=BUILDER)] = "",
    source: Annotated[str, typer.Option(help="Such as /groups.", rich_help_panel=BUILDER)] = "",
    subject: Annotated[str, typer.Option(help="The entity's key.", rich_help_panel=BUILDER)] = "",
    data: Annotated[str, typer.Option(help="A JSON object.", rich_help_panel=BUILDER)] = "{}",
    id_: Annotated[
        str, typer.Option("--id", show_default="a new one", rich_help_panel=BUILDER, help="The event's id.")
    ] = "",
    sequence: Annotated[str, typer.Option(help="Orders the facts of the entity.", rich_help_panel=BUILDER)] = "",
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse the request, instead of quarantining facts that break their contract."),
    ] = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Publish facts from an argument, a file, standard input, or options.

    Exits with 1 if a fact was quarantined or rejected; the others are recorded.
    """
    if type_ or source or subject:
        attributes = {"id": id_, "type": type_, "source": source, "subject": subject, "sequence": sequence}
        body = orjson.dumps(_built(attributes, data))
    else:
        body = _given(event, file)
    headers = {"content-type": MANY if without_marks(body).lstrip()[:1] == b"[" else ONE}
    if strict:
        headers["prefer"] = "handling=strict"
    with client(url, key) as tether:
        answer = tether.request("POST", path("events"), body=body, headers=headers, expects="quarantined")
    show_one(answer, output, FIELDS)
    if unrecorded := _unrecorded(answer):
        raise Refused(unrecorded)


def _unrecorded(answer: dict[str, Any]) -> str:
    """A sentence about the events that were not recorded; empty if there are none."""
    sentences = []
    for outcome, mend in MENDS.items():
        events = answer.get(outcome, [])
        if events:
            first = events[0]
            about = first.get("id") or f"number {first['index']}"
            sentences.append(f"{len(events)} were {outcome}, the first is {about}: {first['reason']}. {mend}")
    return " ".join(sentences)


def _built(attributes: dict[str, str], data: str) -> dict[str, Any]:
    for needed in ("type", "source"):
        if not attributes[needed]:
            raise Refused(f"--{needed}: is missing. An event made from options needs --type and --source.")
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError as problem:
        raise Refused(f"--data: is not JSON ({problem}). Quote it for the shell, like --data '{{}}'.") from None
    attributes["id"] = attributes["id"] or str(uuid4())
    return {
        "specversion": "1.0",
        **{name: value for name, value in attributes.items() if value},
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": orjson.Fragment(data),  # as it was written: parsed, it would lose repeated names and long numbers
    }


def _given(event: str, file: Path | None) -> bytes:
    if event:
        return event.encode("utf-8", "surrogateescape")
    if file is None or str(file) == "-":
        if sys.stdin.isatty():
            note("Reading an event from the terminal; Ctrl-D ends it.")
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as problem:
        raise Refused(f"{file}: cannot be read ({problem.strerror}). Check its name.") from None
