"""`tether snapshot`: all that a relationship, kind or replica holds at one revision."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import orjson
import typer

from cli.client import ApiClient, client, path
from cli.options import ApiKey, AsOf, AtLeast, Format, Output, Url
from cli.output import note, printable
from errors import Unavailable

LONGEST_PAUSE = 5.0  # seconds between two attempts while the server is away
START, END = "snapshot-start", "snapshot-end"


def snapshot(
    kind: Annotated[str, typer.Option(help="The live entities of this kind.")] = "",
    relationship: Annotated[str, typer.Option(help="The links of this relationship.")] = "",
    replica: Annotated[str, typer.Option(help="The entities of this replica, with its fields.")] = "",
    resume: Annotated[
        str, typer.Option(metavar="ID", help="Print what follows the line with this id, of the snapshot it is from.")
    ] = "",
    as_of: AsOf = "",
    at_least: AtLeast = "",
    output: Output = Format.jsonl,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Print a snapshot, a line for each row, between `snapshot-start` and `snapshot-end`.

    If the connection breaks, it goes on where it was, at the same revision; so does --resume after Ctrl-C.

    The feed goes on from the offset that is named at the end.
    """
    query = {"kind": kind, "relationship": relationship, "replica": replica, "as_of": as_of, "at_least": at_least}
    last, start = resume, {}
    with client(url, key) as tether:
        try:
            for event in _events(tether, query, resume):
                if event["type"] == START:
                    start = event["data"]
                    if resume:
                        continue
                _show(event, output)
                last = event["id"]
        except KeyboardInterrupt:
            note(f"Stopped. `tether snapshot --resume '{last}'` continues." if last else "Stopped.")
            raise
    note(f"{event['data']['count']:,} rows as of {start['token']}; the feed goes on from the offset {start['offset']}")


def _events(tether: ApiClient, query: dict[str, Any], cursor: str) -> Iterator[dict[str, Any]]:
    """Yields the events of a snapshot up to its last line. Goes on while the server is away, once it has answered."""
    pause, began = 0.0, False
    while True:
        try:
            for line in tether.lines(path("snapshots"), {"cursor": cursor} if cursor else query):
                event = orjson.loads(line)
                if event["type"] != START or not began:
                    yield event
                cursor, pause, began = event["id"], 0.0, True
                if event["type"] == END:
                    return
            raise Unavailable("the answer ended before the snapshot did")
        except Unavailable as problem:
            if not began:
                raise
            if not pause:
                note(f"Retrying: {problem}")
            pause = min(max(problem.retry_after, pause * 2, 0.5), LONGEST_PAUSE)
            time.sleep(pause)


def _show(event: dict[str, Any], output: Format) -> None:
    if output is not Format.text:
        typer.echo(orjson.dumps(event))
    elif event["type"] not in (START, END):
        data = event["data"]
        said = [data["parent"], data["state"]] if "parent" in data else [data.get("survivor") or _fields(data)]
        typer.echo(printable("  ".join([event["type"], event["subject"], *said])))


def _fields(data: dict[str, Any]) -> str:
    return orjson.dumps(data["data"]).decode()
