"""The deliveries of the feed to the webhook of one consumer, while there is something to deliver or to retry."""

from typing import Any

from temporalio import workflow

from activities.delivery import DeliveryActivities as Activities
from messages import shortened
from messages.deliveries import DELIVERY, DeliveryResult, DeliveryStatus, DeliveryStep
from messages.operations import operation_input
from workflows.activity_options import DELIVER, delivery_queue
from workflows.base import FactWorkflow


@workflow.defn
class DeliveryWorkflow(FactWorkflow):
    """Delivers what follows the consumer's position, waits where its receiver fails, and ends when all is delivered."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__(DELIVERY, operation_input(workflow.info().workflow_id, DELIVERY, given))
        self._delivered = 0

    @workflow.run
    async def run(self, given: Any) -> DeliveryResult:
        """Repeats: deliver, wait until the next attempt; until there is nothing to deliver or to retry."""
        self._check_subject()
        while True:
            await self._begin_round()
            status = await self._deliver()
            if status.next is None:
                if await self._may_end(status.newer):
                    return DeliveryResult(description=self._description)
            elif status.next > self._now():
                self._show(self._describe(status), "waiting")
                await self._wait_until(status.next)

    async def _deliver(self) -> DeliveryStatus:
        """Delivers for some seconds, on a task queue of its own: a slow receiver takes no slot of other work."""
        status: DeliveryStatus = await workflow.execute_activity_method(
            Activities.deliver,
            DeliveryStep(subject=self._subject),
            task_queue=delivery_queue(),
            summary=shortened.summary(f"the feed to the webhook of {self._subject.key}"),
            **DELIVER,
        )
        self._status = status
        self._delivered += status.delivered
        self._set_clock(status.now)
        self._show(self._describe(status), "delivering")
        return status

    def _describe(self, status: DeliveryStatus) -> str:
        """What is done, and what is waited for, for people."""
        items = "1 item" if self._delivered == 1 else f"{self._delivered} items"
        return f"{items} delivered; {status.description}"
