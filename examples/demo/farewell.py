"""Prints addresses and commands to try while the demo keeps running."""

from rich.console import Console
from rich.markup import escape

from examples.demo.groups_and_channels import NEVER
from examples.demo.profiles import BOB
from examples.demo.stage import TENANT, Stage
from examples.demo.teams_and_events import REL


async def show(on: Stage) -> None:
    """Prints the addresses of the running processes, and commands to copy."""
    waits = await on.tether.waiting(relationship="group_channel")
    workflow = next((w["workflow"]["url"] for w in waits if w["parent"] == NEVER and w["workflow"]), "")
    addresses = {
        "API": on.where.docs,
        "Temporal Web UI": on.where.temporal_ui,
        "a workflow that waits": workflow,
        **{name.capitalize(): f"{owner.url}/docs" for name, owner in on.owners.items()},
        "keys": str(on.where.credentials),
        "logs": str(on.where.logs),
    }
    console = on.play.console
    console.print("\n[bold]It keeps running: look around[/]")
    for name, address in addresses.items():
        _copied(console, f"  {name:<22} {address}")
    console.print("\n[bold]Try[/]")
    for line in _commands(on):
        _copied(console, line)
    console.print("\n[dim]Ctrl-C stops everything[/]")


def _commands(on: Stage) -> tuple[str, ...]:
    key = on.tether.key("admin")
    return (
        f"  export TETHER={on.where.api}/v1 KEY={key}",
        "  # creates a group at Groups; soon afterwards it is linked to a channel",
        f"""  curl -s {on.groups.url}/groups --json '{{"id": "tea", "name": "Tea lovers"}}'""",
        '  curl -s -H "Authorization: Bearer $KEY" "$TETHER/relationships/group_channel/links?parent=tea"',
        f"  # creates {NEVER}, which Tether waits for",
        f'  curl -s {on.groups.url}/groups --json \'{{"id": "{NEVER}", "name": "Night owls"}}\'',
        '  curl -s -H "Authorization: Bearer $KEY" "$TETHER/relationships/group_channel/links/night-talk/why"',
        "  # what Tether waits for from the owner airports",
        '  curl -s -H "Authorization: Bearer $KEY" "$TETHER/waiting?owner=airports"',
        "  # the same with the command line",
        f"  export TETHER_DATA_DIR={on.folder} TETHER_TENANT={TENANT}",
        "  .venv/bin/tether waiting list --owner airports",
        "  # moves the team tigers to the event final; deletes the event, and the team with it",
        f"  .venv/bin/tether move {REL} tigers final --wait",
        "  .venv/bin/tether delete event final",
        f"  # merges both profiles of {BOB.name}, and lists what happened under either key",
        '  curl -s -H "Authorization: Bearer $KEY" "$TETHER/entities/person/merges" \\',
        f"""    --json '{{"survivor": "{BOB.new}", "losers": ["{BOB.old}"]}}'""",
        f"  .venv/bin/tether activity list person {BOB.old} --limit 5",
        "  # makes Teams fail at random, until you DELETE /misbehaviour",
        f"""  curl -s -X PUT {on.teams.url}/misbehaviour --json '{{"unavailable_before": 0.3, "dropped": 0.3}}'""",
    )


def _copied(console: Console, line: str) -> None:
    console.print(escape(line), highlight=False, soft_wrap=True)
