"""At the end: what the tables hold is what the facts say, and nothing runs that need not."""

from functools import partial

from temporalio.client import Client

from examples.demo.groups_and_channels import NEVER
from examples.demo.stage import TENANT, Stage


async def play(on: Stage) -> None:
    """Verify, intents, workflows."""
    on.play.situation(
        "At rest", "Rows hold what is true; a workflow exists exactly while something must be waited for."
    )
    on.play.say("tether verify --rebuild: the whole ledger is folded anew and compared with the tables, hash for hash")
    code, said = await on.command.run("verify", "--rebuild")
    if code:
        on.play.console.print(said, markup=False)
    on.play.check("tether verify --rebuild ends with", 0, code)
    await on.play.reaches("workflows still to be started or told", 0.0, partial(on.tether.metric, "tether_outbox_due"))
    undone = (await on.tether.ask("GET", "operations", query={"state": "open"}))["items"]
    on.play.check("operations that have not ended", [], [one["id"] for one in undone])
    client = await Client.connect(on.where.temporal)
    waits = f"{TENANT}/group_channel/{NEVER}"
    on.play.check("the group that never came is waited for by", [waits], [id for id in await named(on) if id == waits])
    nothing: dict[str, list[str]] = {"without a wait": [], "missing": []}
    await on.play.reaches("open workflows", nothing, partial(unlike, on, client))


async def unlike(on: Stage, client: Client) -> dict[str, list[str]]:
    """Workflows that are open though nothing waits, and those that a wait names though they are not open.

    Of all tenants. Temporal's list is a moment behind.
    """
    running = {each.id async for each in client.list_workflows('ExecutionStatus = "Running"')}
    wanted = set(await named(on))
    return {"without a wait": sorted(running - wanted), "missing": sorted(wanted - running)}


async def named(on: Stage) -> list[str]:
    """Ids of the workflows that the lists of waits name."""
    waits = await on.tether.waiting() + await on.other.waiting()
    return [wait["workflow"]["id"] for wait in waits if wait["workflow"]]
