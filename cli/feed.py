"""`tether feed …`"""

import time
from typing import Annotated, Any

import typer

from cli.client import Client, client, path
from cli.options import Format, Key, Output, Url
from cli.output import note, show_line
from errors import Unavailable

app = typer.Typer(no_args_is_help=True, help="What changes, as it changes.")

WAIT = 25  # seconds that one request waits for news
LONGEST_PAUSE = 5.0  # seconds between two attempts while the server is away


@app.command()
def follow(
    relationship: Annotated[str, typer.Option(help="Only of this relationship.")] = "",
    after: Annotated[
        str, typer.Option(metavar="CURSOR", show_default="the beginning", help="Only what came after.")
    ] = "",
    limit: Annotated[int, typer.Option(min=0, show_default="never", help="End after so many changes.")] = 0,
    output: Output = Format.jsonl,
    url: Url = "",
    key: Key = "",
) -> None:
    """Print every change, old and new, until Ctrl-C, which says where to go on."""
    printed = 0
    with client(url, key) as tether:
        try:
            page = _ask(tether, relationship, after, wait=0)
            while True:
                for item in page["items"]:
                    _show(item, output)
                    printed += 1
                    if printed == limit:
                        return
                after = page["next"]
                page = _patiently(tether, relationship, after)
        except KeyboardInterrupt:
            note(f"Stopped. `tether feed follow --after {after}` goes on." if after else "Stopped.")
            raise


def _ask(tether: Client, relationship: str, after: str, wait: int) -> dict[str, Any]:
    query = {"after": after, "wait": wait, "relationship": relationship, "limit": 1_000}
    return tether.ask("GET", path("feed"), query, holds="next")


def _patiently(tether: Client, relationship: str, after: str) -> dict[str, Any]:
    """The next page. A server that is away is waited for: its first answer proved the address right."""
    pause = 0.0
    while True:
        try:
            page = _ask(tether, relationship, after, WAIT)
        except Unavailable as problem:
            if not pause:
                note(f"Trying again: {problem}")
            pause = min(max(problem.retry_after, pause * 2, 0.5), LONGEST_PAUSE)
            time.sleep(pause)
        else:
            return page


def _show(item: dict[str, Any], output: Format) -> None:
    if output is not Format.text:
        show_line(item)
    elif item["change"] == "link":
        typer.echo(f"{item['relationship']}  {item['child']} → {item.get('parent') or '–'}  {item['state']}")
    elif item["change"] == "fact":
        fact = item["fact"]
        typer.echo(f"{fact['type']}  {fact.get('subject', '–')}  from {fact['source']}")
    else:
        typer.echo(f"{item.get('kind', item['change'])}  {item.get('key', '–')}  {item.get('state', '')}".rstrip())
