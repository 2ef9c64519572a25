"""`tether merge …`: merges records of one entity, previews, proves and undoes that, and forbids it."""

import json
from typing import Annotated, Any

import typer

from cli import operations
from cli.client import ApiClient, client, path
from cli.options import (
    All,
    ApiKey,
    EntityKind,
    Format,
    IdempotencyKey,
    Limit,
    Output,
    Url,
    WaitForEnd,
    repeatable,
)
from cli.output import console, note, printable, show_document, show_line, show_one, show_pages, table


class _MergeGroup(typer.core.TyperGroup):
    """Takes ``tether merge KIND SURVIVOR LOSER…`` as ``tether merge records KIND SURVIVOR LOSER…``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """A first word that is no command is a kind."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["records", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_MergeGroup,
    no_args_is_help=True,
    help="Merge records of one entity: `tether merge KIND SURVIVOR LOSER…`; preview, prove and undo it.",
)

FIELDS = {
    "merge": "id",
    "kind": "kind",
    "survivor": "survivor",
    "losers": "losers",
    "reason": "reason",
    "source": "source",
    "by": "actor",
    "operation": "operation_state",
    "created": "created",
    "token": "token",
}
COLUMNS = {
    "MERGE": "id",
    "KIND": "kind",
    "SURVIVOR": "survivor",
    "LOSERS": "losers",
    "SOURCE": "source",
    "CREATED": "created",
    "REASON": "reason",
}
FORBIDDEN = {"ONE": "one", "OTHER": "other", "SOURCE": "source", "SINCE": "since", "REASON": "reason"}
MergeId = Annotated[str, typer.Argument(metavar="MERGE", help="Id of the merge, as `tether merge list` shows it.")]
Survivor = Annotated[str, typer.Argument(metavar="SURVIVOR", help="Key of the record that is to remain.")]
Losers = Annotated[list[str], typer.Argument(metavar="LOSER...", help="Keys of the records that are the same.")]
One = Annotated[str, typer.Argument(metavar="ONE", help="Key of one record.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="Key of the other record.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for people.")]
Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="LOSER", help="Only this loser; may be given several times.")
]


@app.command()
def records(
    kind: EntityKind,
    survivor: Survivor,
    losers: Losers,
    reason: Reason = "",
    wait: WaitForEnd = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Merge records: `tether merge KIND SURVIVOR LOSER…` is short for it. It can be undone at any time.

    The losers are the same entity as the survivor from then on; every key goes on working.
    """
    body = {"survivor": survivor, "losers": losers, "reason": reason}
    with client(url, key) as tether:
        operation = _post(tether, path("entities", kind, "merges"), body, repeatable(idempotency_key), expects="state")
        operations.report(tether, operation, wait, output, hint=True)


@app.command()
def show(merge: MergeId, output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """Show a merge, with the state of each loser."""
    with client(url, key) as tether:
        found = tether.request("GET", path("merges", merge), expects="survivor")
    show_one(_shortened(found) if output is Format.text else found, output, FIELDS)


@app.command("list")
def list_(
    kind: Annotated[str, typer.Option(help="Only merges of this kind.")] = "",
    of: Annotated[str, typer.Option("--of", metavar="KEY", help="Only merges that name this key.")] = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List merges, newest first: those that were requested, and those that facts of owners say."""
    with client(url, key) as tether:
        pages = tether.pages(path("merges"), {"kind": kind, "key": of}, None if all_ else limit)
        if output is Format.text:
            pages = ({**page, "items": [_shortened(item) for item in page["items"]]} for page in pages)
        show_pages(pages, output, COLUMNS, "There is no merge.")


@app.command()
def undo(
    merge: MergeId,
    only: Only = None,
    reason: Reason = "",
    preview: Annotated[bool, typer.Option("--preview", help="Show what it would change, and change nothing.")] = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Undo a merge, or that of some losers: everything goes back to the key that it was recorded under."""
    with client(url, key) as tether:
        where = path("merges", merge, "undo")
        if preview:
            _show_undo(tether.request("GET", where, {"only": only or []}, expects="changes"), output)
            return
        body = {"only": only or [], "reason": reason}
        operations.report(
            tether, _post(tether, where, body, repeatable(idempotency_key), expects="state"), False, output
        )


@app.command()
def proof(merge: MergeId, output: Output = Format.text, url: Url = "", key: ApiKey = "") -> None:
    """Show what belonged to each key before a merge and after it: counts and hashes."""
    with client(url, key) as tether:
        found = tether.request("GET", path("merges", merge, "proof"), expects="keys")
    if output is not Format.text:
        show_document(found) if output is Format.json else show_line(found)
        return
    rows = [
        {"key": each["key"], "part": part, "before": _count(each["before"][part]), "after": _count(each["after"][part])}
        for each in found["keys"]
        for part in each["before"]
    ]
    console().print(table({"KEY": "key", "PART": "part", "BEFORE": "before", "AFTER": "after"}, rows))
    for link in found["own_links"]["set_aside"]:
        console().print(printable(f"set aside: {link['child']} in {link['parent']} by {link['relationship']}"))
    verdict = {True: "Everything was conserved.", False: f"Lost: {found['lost']}."}
    console().print(printable(verdict.get(found["conserved"], "Other facts changed in the same revision.")))


@app.command()
def forbid(
    kind: EntityKind,
    one: One,
    other: Other,
    reason: Reason = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Forbid that two records are ever merged, by whatever chain."""
    _change(kind, one, other, reason, "POST", output, url, key)


@app.command()
def allow(
    kind: EntityKind,
    one: One,
    other: Other,
    reason: Reason = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Allow that two records are merged again."""
    _change(kind, one, other, reason, "DELETE", output, url, key)


@app.command()
def forbidden(
    kind: EntityKind,
    of: Annotated[str, typer.Option("--of", metavar="KEY", help="Only pairs with this key.")] = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List the pairs of records that must never be merged."""
    with client(url, key) as tether:
        pages = tether.pages(path("entities", kind, "forbidden-merges"), {"key": of}, None if all_ else limit)
        show_pages(pages, output, FORBIDDEN, "No pair is forbidden.")


def _change(kind: str, one: str, other: str, reason: str, method: str, output: Format, url: str, key: str) -> None:
    with client(url, key) as tether:
        body = json.dumps({"one": one, "other": other, "reason": reason}).encode()
        headers = {"content-type": "application/json"}
        where = path("entities", kind, "forbidden-merges")
        changed = tether.request(method, where, body=body, headers=headers, expects="forbidden")
        show_one(changed, output, {"kind": "kind", "one": "one", "other": "other", "forbidden": "forbidden"})


def _post(
    tether: ApiClient, where: str, body: dict[str, Any], headers: dict[str, str] | None = None, *, expects: str
) -> dict[str, Any]:
    sent = {"content-type": "application/json", **(headers or {})}
    return tether.request("POST", where, body=json.dumps(body).encode(), headers=sent, expects=expects)


def _show_undo(found: dict[str, Any], output: Format) -> None:
    if output is not Format.text:
        show_document(found) if output is Format.json else show_line(found)
        return
    to = console()
    to.print(table({"KEY": "key", "STANDS FOR": "before", "WOULD STAND FOR": "after"}, found["changes"]))
    if found["links"]:
        to.print(table({"RELATIONSHIP": "relationship", "GO BACK TO": "key", "LINKS": "links"}, found["links"]))
    if found["stay"]:
        to.print(printable(f"stay merged by other merges: {', '.join(found['stay'])}"))
    if found["deleted"]:
        to.print(printable(f"deleted by their owner: {', '.join(found['deleted'])}"), style="yellow")
    note("Nothing was changed.")


def _shortened(merge: dict[str, Any]) -> dict[str, Any]:
    """The losers of a merge as one text; the state of those that are not merged is added."""
    each = (
        loser["loser"] if loser["state"] == "merged" else f"{loser['loser']} ({loser['state']})"
        for loser in merge["losers"]
    )
    return {**merge, "losers": ", ".join(each)}


def _count(tally: dict[str, Any]) -> str:
    return f"{tally['count']} {tally['hash'][:8]}"
