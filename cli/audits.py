"""`tether consumers audit`: compares the copy of a consumer with what Tether holds at its position."""

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from cli.client import ApiClient, client, path
from cli.options import ApiKey, Format, Output, Url
from cli.output import printable, show_document, show_line
from errors import Refused
from tether.audits import Bucket, differing_keys

HOLDS = ("relationship", "kind", "replica")
"""Filters that say which rows a consumer has. Any other leaves out changes, not rows."""


def audit(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the consumer.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", show_default="standard input", help="The copy's rows: a JSON array on each line."
        ),
    ] = None,
    at: Annotated[
        str, typer.Option(show_default="its position", help="Token or offset that the copy is at, if another.")
    ] = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Print the keys of a consumer's copy that differ from what Tether holds; exit code 1 if there are any.

    A row is [child, parent, state] of a link, or [key, data] of an entity, with the survivor of a merged key behind it.
    """
    rows = _rows(file)
    with client(url, key) as tether:
        consumer = tether.request("GET", path("consumers", name), expects="filter")
        query = {of: what for of, what in consumer["filter"].items() if of in HOLDS}
        if len(query) != 1 or {"parent", "filters"} & consumer["filter"].keys():
            raise Refused(
                f"{name} reads a part of the feed whose rows are not defined. Audit one relationship or kind."
            )
        token, differing = differences(tether, {**query, "at": at or consumer["offset"]}, rows)
    found = {"token": token, "rows": len(rows), "differing": sorted(differing)}
    if output is not Format.text:
        show_document(found) if output is Format.json else show_line(found)
    elif differing:
        typer.echo("\n".join(printable(key) for key in sorted(differing)))
    else:
        typer.echo(f"Equal: {len(rows):,} rows as of {token}.")
    if differing:
        raise typer.Exit(1)


def differences(tether: ApiClient, query: dict[str, Any], rows: list[list[Any]]) -> tuple[str, set[str]]:
    """Returns the token of the revision that was compared, and the keys that differ.

    ``query``: what the copy holds, and the offset or token that it is ``at``.
    """
    tokens = []

    def requested(prefixes: list[str], **more: Any) -> dict[str, Any]:
        answer = tether.request("GET", path("audits"), {**query, "prefix": prefixes, **more}, expects="token")
        tokens.append(str(answer["token"]))
        return answer

    def buckets(prefixes: list[str]) -> dict[str, Bucket]:
        found = requested(prefixes)["buckets"]
        return {bucket["prefix"]: Bucket(bucket["count"], int(bucket["sum"], 16)) for bucket in found}

    def hashes(prefixes: list[str]) -> dict[str, int]:
        return {row["key"]: int(row["hash"], 16) for row in requested(prefixes, rows=True)["rows"]}

    differing = differing_keys(rows, buckets, hashes)
    return tokens[0], differing


def _rows(file: Path | None) -> list[list[Any]]:
    try:
        lines = (sys.stdin.buffer.read() if file is None else file.read_bytes()).splitlines()
        rows = [orjson.loads(line) for line in lines if line.strip()]
    except OSError as problem:
        raise Refused(f"{file}: cannot be read ({problem.strerror}). Choose another.") from None
    except ValueError as problem:
        raise Refused(f"The copy is not a JSON array on each line: {problem}.") from None
    if not all(isinstance(row, list) and row and isinstance(row[0], str) for row in rows):
        raise Refused("The copy is not a JSON array on each line, with a key as its first element.")
    return rows
