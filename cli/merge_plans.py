"""Previews one merge: which record would remain, what would move, and why it would be refused."""

import json
from typing import Any

from cli.client import client, path
from cli.options import Format
from cli.output import console, note, printable, show_document, show_line, table

CONFLICTS = {
    "RELATIONSHIP": "relationship",
    "BECAUSE": "because",
    "RULE": "on_merge",
    "KEPT": "kept",
    "SET ASIDE": "set_aside",
}


def show_plan(kind: str, survivor: str, losers: list[str], output: Format, url: str, key: str) -> None:
    """Prints the preview of a merge. ``url``, ``key``: of the API, as given."""
    with client(url, key) as tether:
        body = json.dumps({"survivor": survivor, "losers": losers}).encode()
        where, headers = path("entities", kind, "merges", "plan"), {"content-type": "application/json"}
        found = tether.request("POST", where, body=body, headers=headers, expects="members")
    if output is not Format.text:
        show_document(found) if output is Format.json else show_line(found)
        return
    to = console()
    to.print(printable(f"{found['survivor']} would remain of {len(found['members'])} records:"), style="bold")
    to.print(table({"KEY": "key", "STATE": "state", "MERGED INTO": "survivor"}, found["members"]))
    if found["links"]:
        to.print(table({"RELATIONSHIP": "relationship", "MOVES FROM": "key", "LINKS": "links"}, found["links"]))
    if found["activity"]:
        to.print(table({"ACTIVITY OF": "key", "ITEMS": "items"}, found["activity"]))
    if found["conflicts"]:
        to.print(table(CONFLICTS, [_conflict(each) for each in found["conflicts"]]))
    if found["retired"]:
        to.print(printable(f"{found['command']} would be sent for: {', '.join(found['retired'])}"))
    for reason in found["refused"]:
        to.print(printable(f"would be refused: {reason}"), style="red")
    note("Nothing was changed.")


def _conflict(conflict: dict[str, Any]) -> dict[str, Any]:
    kept, others = conflict["kept"], conflict["set_aside"]
    return {
        **conflict,
        "kept": None if kept is None else f"{kept['key']} – {kept['other']}",
        "set_aside": ", ".join(f"{link['key']} – {link['other']}" for link in others),
    }
