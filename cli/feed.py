"""`tether feed …`: reads the feed of changes, or follows it."""

import time
from typing import Annotated, Any

import typer

from cli.client import PAGE, ApiClient, client
from cli.options import ApiKey, Format, Output, Url
from cli.output import note, show_line
from errors import Unavailable

app = typer.Typer(no_args_is_help=True, help="Read the feed of changes, or follow it.")

LONGEST_PAUSE = 5.0  # seconds between two attempts while the server is away

Relationship = Annotated[str, typer.Option(help="Only links and facts of this relationship.")]
Kind = Annotated[str, typer.Option(help="Only entities and activity of this kind.")]
Parent = Annotated[str, typer.Option(help="Only links of the relationship that have, or had, this parent.")]
Replica = Annotated[str, typer.Option(help="Only entities of this replica's kind, with its fields alone.")]
Filters = Annotated[
    str, typer.Option(metavar="JSON", help='Only items that match: \'[{"exact": {"type": "Linked"}}]\'.')
]
Changes = Annotated[bool, typer.Option("--changes-only", help="No entities of which nothing shown has changed.")]
Previous = Annotated[bool, typer.Option("--with-previous", help="What the version of an entity before was.")]
Consumer = Annotated[str, typer.Option(help="What this consumer reads, from its position on.")]
Offset = Annotated[
    str, typer.Option(metavar="OFFSET", show_default="the beginning", help="Only changes after this; now: new ones.")
]


@app.command()
def read(
    relationship: Relationship = "",
    kind: Kind = "",
    parent: Parent = "",
    replica: Replica = "",
    filters: Filters = "",
    changes: Changes = False,
    previous: Previous = False,
    consumer: Consumer = "",
    offset: Offset = "",
    limit: Annotated[int, typer.Option(min=0, show_default="all", help="End after this many changes.")] = 0,
    output: Output = Format.jsonl,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Print the changes up to now, then the offset to go on from, which goes to standard error."""
    query = _query(relationship, kind, parent, replica, filters, changes, previous, consumer)
    left, complete = limit, False
    with client(url, key) as tether:
        while not complete and (left or not limit):
            size = min(left, PAGE) if limit else PAGE
            items, offset, complete = tether.feed({**query, "offset": offset, "limit": size})
            for item in items:
                _show(item, output)
            left -= len(items)
    note(f"`--offset {offset}` goes on from here.")


@app.command()
def follow(
    relationship: Relationship = "",
    kind: Kind = "",
    parent: Parent = "",
    replica: Replica = "",
    filters: Filters = "",
    changes: Changes = False,
    previous: Previous = False,
    consumer: Consumer = "",
    offset: Offset = "",
    limit: Annotated[int, typer.Option(min=0, show_default="never", help="Exit after this many changes.")] = 0,
    output: Output = Format.jsonl,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Print all changes, past and new, until Ctrl-C.

    Then it prints the command that continues.
    """
    query = _query(relationship, kind, parent, replica, filters, changes, previous, consumer)
    printed, after = 0, offset
    with client(url, key) as tether:
        try:
            items, after, _ = tether.feed({**query, "offset": offset, "limit": PAGE})
            while True:
                for item in items:
                    _show(item, output)
                    printed += 1
                    if printed == limit:
                        return
                items, after = _read_when_available(tether, {**query, "offset": after, "limit": PAGE})
        except KeyboardInterrupt:
            note(f"Stopped. `tether feed follow --offset {after}` continues." if after else "Stopped.")
            raise


def _query(
    relationship: str,
    kind: str,
    parent: str,
    replica: str,
    filters: str,
    changes: bool,
    previous: bool,
    consumer: str,
) -> dict[str, Any]:
    return {
        "relationship": relationship,
        "kind": kind,
        "parent": parent,
        "replica": replica,
        "filters": filters,
        "changes": "only" if changes else "",
        "with": "previous" if previous else "",
        "consumer": consumer,
    }


def _read_when_available(tether: ApiClient, query: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Returns the next page. Retries while the server is away: its first answer has proved the address right."""
    pause = 0.0
    while True:
        try:
            items, offset, _ = tether.feed({**query, "live": "long-poll"})
        except Unavailable as problem:
            if not pause:
                note(f"Retrying: {problem}")
            pause = min(max(problem.retry_after, pause * 2, 0.5), LONGEST_PAUSE)
            time.sleep(pause)
        else:
            return items, offset


def _show(item: dict[str, Any], output: Format) -> None:
    if output is not Format.text:
        show_line(item)
    else:
        typer.echo(_sentence(item))


def _sentence(item: dict[str, Any]) -> str:
    """One change as a line for people."""
    data, subject = item["data"], item["subject"]
    match data["change"]:
        case "link":
            moved = f", before {data['previous_parent']}" if "previous_parent" in data else ""
            return f"{item['relationship']}  {subject} → {item['parent']}  {item['state']}{moved}"
        case "fact":
            return f"{item['type']}  {subject}"
        case "activity":
            return f"{item['feed']}  {item['kind']} {subject}  {data['state']}"
        case "merged":
            return f"{item['kind']}  {subject} → {data['survivor']}  merged"
        case _:
            return f"{item['kind']}  {subject}  {data.get('state', data['change'])}"
