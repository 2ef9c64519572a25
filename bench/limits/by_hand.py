"""The wait of a group for its channel as one writes it by hand on Temporal: ask, wait, announce."""

import asyncio

from temporalio import workflow

from workflows.activity_options import DATABASE, OWNER_REPEATED

TASK_QUEUE = "by-hand"


@workflow.defn
class GroupChannelByHand:
    """One for each group; its id is what the channel's owner copies into its fact."""

    def __init__(self) -> None:
        self._channel = ""

    @workflow.signal(name="ChannelCreated")
    def channel_created(self, channel: str) -> None:
        """The fact that is waited for."""
        self._channel = channel

    @workflow.run
    async def run(self, group: str, name: str) -> str:
        """Ends once the link is announced; returns the channel."""
        asking = asyncio.create_task(
            workflow.execute_activity("ask", args=[workflow.info().workflow_id, name], **OWNER_REPEATED)
        )
        await workflow.wait_condition(lambda: bool(self._channel))
        asking.cancel()
        await workflow.execute_local_activity("announce", args=[group, self._channel], **DATABASE)
        return self._channel
