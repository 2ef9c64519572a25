"""`tether quarantine redrive`, `discard` and what follows: how far they have come, and what became of each event."""

import json
import sys
import time
from typing import Annotated, Any

import typer

from cli.client import ApiClient, client, path
from cli.options import All, ApiKey, Format, IdempotencyKey, Limit, Output, Url, repeatable
from cli.output import note, printable, show_one, show_pages
from cli.quarantine import Code, FieldName, Sender, SourceName, TypeName
from errors import Refused

PLAN = {
    "action": "action",
    "events": "events",
    "tried": "trial.summary",
}
RUN = {
    "run": "id",
    "action": "action",
    "state": "state",
    "type": "type",
    "code": "code",
    "field": "field",
    "source": "source",
    "sent by": "key",
    "event": "event",
    "events": "total",
    "accepted": "accepted",
    "of these stale": "stale",
    "duplicates": "duplicates",
    "ignored": "ignored",
    "refused": "refused",
    "discarded": "discarded",
    "by": "actor",
    "requested": "requested",
    "ended": "ended",
}
RUNS = {
    "RUN": "id",
    "STATE": "state",
    "EVENTS": "total",
    "ACCEPTED": "accepted",
    "REFUSED": "refused",
    "TYPE": "type",
}
OUTCOMES = {
    "ID": "event",
    "OUTCOME": "outcome",
    "TYPE": "type",
    "EVENT": "event_id",
    "CAUSE": "cause",
}
PAUSE = 0.5
"""Seconds between two looks at a run that is waited for."""

EventId = Annotated[int, typer.Option("--id", metavar="ID", min=0, help="Only the event with this number.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the redrive or discard.")]
IsDiscard = Annotated[bool, typer.Option("--discard", help="It is a discard, not a redrive.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module to `tether quarantine`."""
    for command in (redrive, discard, runs, progress, outcomes, cancel):
        app.command()(command)


def redrive(
    type_: TypeName = "",
    code: Code = "",
    field: FieldName = "",
    source: SourceName = "",
    sender: Sender = "",
    event: EventId = 0,
    sample: Annotated[int, typer.Option("--sample", min=0, max=10_000, help="Events that are tried first.")] = 500,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Record the facts of quarantined events that are accepted now. What is refused again stays.

    Shows how many events there are and what would become of the first ones, and waits for confirmation.
    """
    wanted = _wanted(type_, code, field, source, sender, event) | {"action": "redrive", "sample": sample}
    _run(wanted, dry_run, yes, wait, idempotency_key, output, url, key)


def discard(
    type_: TypeName = "",
    code: Code = "",
    field: FieldName = "",
    source: SourceName = "",
    sender: Sender = "",
    event: EventId = 0,
    all_: Annotated[bool, typer.Option("--all", help="All that is in quarantine.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = False,
    idempotency_key: IdempotencyKey = "",
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Delete quarantined events. It cannot be undone.

    Shows how many events there are, and waits for confirmation.
    """
    wanted = _wanted(type_, code, field, source, sender, event)
    if not wanted and not all_:
        raise typer.BadParameter("say which events, or --all", param_hint="--type")
    _run(wanted | {"action": "discard"}, dry_run, yes, wait, idempotency_key, output, url, key)


def runs(
    of_discards: IsDiscard = False,
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List redrives, or discards, newest first."""
    with client(url, key) as tether:
        pages = tether.pages(_path(of_discards), limit=None if all_ else limit)
        show_pages(pages, output, RUNS, "There was none.")


def progress(
    run: RunId,
    of_discards: IsDiscard = False,
    wait: Wait = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """Show how far a redrive or discard has come."""
    with client(url, key) as tether:
        found = tether.request("GET", _path(of_discards, run), expects="state")
        show_one(_wait(tether, found) if wait else found, output, RUN)


def outcomes(
    run: RunId,
    of_discards: IsDiscard = False,
    outcome: Annotated[str, typer.Option(help="accepted, stale, duplicate, ignored, refused or discarded.")] = "",
    limit: Limit = 100,
    all_: All = False,
    output: Output = Format.text,
    url: Url = "",
    key: ApiKey = "",
) -> None:
    """List what became of each event of a redrive or discard."""
    with client(url, key) as tether:
        wanted = {"outcome": outcome}
        pages = tether.pages(f"{_path(of_discards, run)}/events", wanted, limit=None if all_ else limit)
        show_pages(pages, output, OUTCOMES, "It has processed no such event.")


def cancel(
    run: RunId, of_discards: IsDiscard = False, output: Output = Format.text, url: Url = "", key: ApiKey = ""
) -> None:
    """Let a redrive or discard process no further events."""
    with client(url, key) as tether:
        found = tether.request("POST", f"{_path(of_discards, run)}/cancellation", expects="state")
        show_one(found, output, RUN)


def _wanted(type_: str, code: str, field: str, source: str, sender: str, event: int) -> dict[str, Any]:
    given = {"type": type_, "code": code, "field": field, "source": source, "key": sender, "event": event}
    return {name: value for name, value in given.items() if value}


def _run(
    wanted: dict[str, Any],
    dry_run: bool,
    yes: bool,
    wait: bool,
    idempotency_key: str,
    output: Format,
    url: str,
    key: str,
) -> None:
    if not yes and not dry_run and not sys.stdin.isatty():
        raise typer.BadParameter("without a terminal to confirm at, this requires --yes", param_hint="--yes")
    of_discards = wanted["action"] == "discard"
    with client(url, key) as tether:
        body = json.dumps(wanted).encode()
        plan = tether.request("POST", path("quarantine", "plans"), body=body, expects="plan")
        if dry_run:
            show_one(plan, output, PLAN)
            return
        summary = (plan["trial"] or {}).get("summary") or ""
        note(f"{plan['events']:,} events in quarantine." + (f" Tried: {printable(summary)}." if summary else ""))
        if not plan["events"]:
            note(f"Nothing to {wanted['action']}.")
            return
        if not yes and not _confirmed(wanted["action"]):
            note("Nothing was done.")
            raise typer.Exit(1)
        body = json.dumps({"plan": plan["plan"]}).encode()
        found = tether.request(
            "POST", _path(of_discards), body=body, headers=repeatable(idempotency_key), expects="state"
        )
        if wait:
            found = _wait(tether, found)
        show_one(found, output, RUN)
        if wait and found["state"] == "cancelled":
            raise Refused(f"The {wanted['action']} {found['id']} was cancelled.")


def _wait(tether: ApiClient, found: dict[str, Any]) -> dict[str, Any]:
    while found["state"] == "running":
        time.sleep(PAUSE)
        found = tether.request("GET", _path(found["action"] == "discard", found["id"]), expects="state")
    return found


def _path(of_discards: bool, *more: str) -> str:
    return path("quarantine", "discards" if of_discards else "redrives", *more)


def _confirmed(action: str) -> bool:
    typer.echo(f"{action.title()} them? [y/N] ", nl=False, err=True)  # not input(): it may go to standard output
    return sys.stdin.readline().strip().lower() in ("y", "yes")
