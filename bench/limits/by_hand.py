"""A workflow written by hand: requests the channel of a group, waits for its fact, announces the link."""

import asyncio

from temporalio import workflow

from workflows.activity_options import DATABASE, OWNER_REPEATED

TASK_QUEUE = "by-hand"


@workflow.defn
class GroupChannelByHand:
    """The workflow of one group. Its id is the correlation id, which the owner of channels copies into its fact."""

    def __init__(self) -> None:
        self._channel = ""

    @workflow.signal(name="ChannelCreated")
    def channel_created(self, channel: str) -> None:
        """Receives the fact that the channel was created."""
        self._channel = channel

    @workflow.run
    async def run(self, group: str, name: str) -> str:
        """Runs until the link is announced; returns the key of the channel."""
        request = asyncio.create_task(
            workflow.execute_activity("request", args=[workflow.info().workflow_id, name], **OWNER_REPEATED)
        )
        await workflow.wait_condition(lambda: bool(self._channel))
        request.cancel()
        await workflow.execute_local_activity("announce", args=[group, self._channel], **DATABASE)
        return self._channel
