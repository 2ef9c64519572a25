"""The state at the end: the tables agree with the ledger, and only workflows that wait for something are open."""

from functools import partial

from temporalio.client import Client

from examples.demo.groups_and_channels import NEVER
from examples.demo.stage import TENANT, Stage


async def play(on: Stage) -> None:
    """Runs ``tether verify``, then checks the outbox, the operations and the open workflows."""
    on.play.situation("At rest", "The state is in rows; a workflow is open only while it waits for something.")
    on.play.say("tether verify --rebuild: folds the whole ledger again and compares the result with the tables by hash")
    code, output = await on.command.run("verify", "--rebuild")
    if code:
        on.play.console.print(output, markup=False)
    on.play.check("exit code of tether verify --rebuild", 0, code)
    await on.play.reaches("outbox rows that are due", 0.0, partial(on.tether.metric, "tether_outbox_due"))
    unfinished = (await on.tether.request("GET", "operations", query={"state": "open"}))["items"]
    on.play.check("operations that have not ended", [], [one["id"] for one in unfinished])
    client = await Client.connect(on.where.temporal)
    waits = f"{TENANT}/group_channel/{NEVER}"
    on.play.check("workflow that waits for the missing group", [waits], [id for id in await named(on) if id == waits])
    none: dict[str, list[str]] = {"without a wait": [], "missing": []}
    await on.play.reaches("open workflows that differ from the waits", none, partial(differences, on, client))


async def differences(on: Stage, client: Client) -> dict[str, list[str]]:
    """Ids of open workflows that no wait names, and of workflows that a wait names but that are not open.

    Covers all tenants. Temporal's list of workflows is eventually consistent.
    """
    running = {each.id async for each in client.list_workflows('ExecutionStatus = "Running"')}
    wanted = set(await named(on))
    return {"without a wait": sorted(running - wanted), "missing": sorted(wanted - running)}


async def named(on: Stage) -> list[str]:
    """Ids of the workflows that the waits of both tenants name."""
    waits = await on.tether.waiting() + await on.other.waiting()
    return [wait["workflow"]["id"] for wait in waits if wait["workflow"]]
