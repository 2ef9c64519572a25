"""The workflow as a careless hand would change it: running ones would break."""

import asyncio

from temporalio import workflow

from workflows.messages import Begin, Outcome
from workflows.relationship import RelationshipWorkflow


@workflow.defn(name="RelationshipWorkflow")
class Changed(RelationshipWorkflow):
    """Pauses before anything else."""

    @workflow.init
    def __init__(self, begin: Begin) -> None:
        super().__init__(begin)

    @workflow.run
    async def run(self, begin: Begin) -> Outcome:
        """The same, after a pause."""
        await asyncio.sleep(1)
        return await super().run(begin)
