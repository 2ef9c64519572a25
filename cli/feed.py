"""`tether feed …`: follows the feed of changes."""

import time
from typing import Annotated, Any

import typer

from cli.client import ApiClient, client, path
from cli.options import ApiKey, Format, Output, Url
from cli.output import note, show_line
from errors import Unavailable

app = typer.Typer(no_args_is_help=True, help="Follow the feed of changes.")

WAIT = 25  # seconds that one request waits for a change
LONGEST_PAUSE = 5.0  # seconds between two attempts while the server is away


@app.command()
def follow(
    relationship: Annotated[str, typer.Option(help="Only changes of this relationship.")] = "",
    after: Annotated[
        str, typer.Option(metavar="CURSOR", show_default="the beginning", help="Only changes after this position.")
    ] = "",
    limit: Annotated[int, typer.Option(min=0, show_default="never", help="Exit after this many changes.")] = 0,
    output: Output = Format.jsonl,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Print all changes, past and new, until Ctrl-C.

    Then it prints the command that continues.
    """
    printed = 0
    with client(url, key) as tether:
        try:
            page = _read(tether, relationship, after, wait=0)
            while True:
                for item in page["items"]:
                    _show(item, output)
                    printed += 1
                    if printed == limit:
                        return
                after = page["next"]
                page = _read_when_available(tether, relationship, after)
        except KeyboardInterrupt:
            note(f"Stopped. `tether feed follow --after {after}` continues." if after else "Stopped.")
            raise


def _read(tether: ApiClient, relationship: str, after: str, wait: int) -> dict[str, Any]:
    query = {"after": after, "wait": wait, "relationship": relationship, "limit": 1_000}
    return tether.request("GET", path("feed"), query, expects="next")


def _read_when_available(tether: ApiClient, relationship: str, after: str) -> dict[str, Any]:
    """Returns the next page. Retries while the server is away: its first answer has proved the address right."""
    pause = 0.0
    while True:
        try:
            page = _read(tether, relationship, after, WAIT)
        except Unavailable as problem:
            if not pause:
                note(f"Retrying: {problem}")
            pause = min(max(problem.retry_after, pause * 2, 0.5), LONGEST_PAUSE)
            time.sleep(pause)
        else:
            return page


def _show(item: dict[str, Any], output: Format) -> None:
    if output is not Format.text:
        show_line(item)
    else:
        typer.echo(_sentence(item))


def _sentence(item: dict[str, Any]) -> str:
    """One change as a line for people."""
    match item["change"]:
        case "link":
            return f"{item['relationship']}  {item['child']} → {item.get('parent') or '–'}  {item['state']}"
        case "fact":
            fact = item["fact"]
            return f"{fact['type']}  {fact.get('subject', '–')}  from {fact['source']}"
        case "activity":
            return f"{item['feed']}  {item['kind']} {item['key']}  {item['state']}"
        case "merged":
            return f"{item['kind']}  {item['key']} → {item['survivor']}  merged"
        case _:
            shown = item.get("kind", item["change"]), item.get("key", "–"), item.get("state", item["change"])
            return "  ".join(shown)
