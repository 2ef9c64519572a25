"""Workflows with a change that breaks running ones: a timer before everything else."""

import asyncio
from typing import Any

from temporalio import workflow

from messages.deliveries import DeliveryResult
from messages.erasure import ErasureStep
from messages.operations import OperationResult
from messages.relationship import RelationshipResult
from messages.retention import RetentionResult, RetentionRun
from workflows.cascade import CascadeDeleteWorkflow
from workflows.delivery import DeliveryWorkflow
from workflows.erasure import ErasureWorkflow
from workflows.merge import MergeWorkflow
from workflows.move import MoveWorkflow
from workflows.plan import PlanWorkflow
from workflows.relationship import RelationshipWorkflow
from workflows.retention import RetentionWorkflow


@workflow.defn(name="RelationshipWorkflow")
class ChangedRelationship(RelationshipWorkflow):
    """Starts with a pause."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__(given)

    @workflow.run
    async def run(self, given: Any) -> RelationshipResult:
        """The same, after a pause."""
        await asyncio.sleep(1)
        return await super().run(given)


@workflow.defn(name="MoveWorkflow")
class ChangedMove(MoveWorkflow):
    """Starts with a pause."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__(given)

    @workflow.run
    async def run(self, given: Any) -> OperationResult:
        """The same, after a pause."""
        await asyncio.sleep(1)
        return await super().run(given)


@workflow.defn(name="CascadeDeleteWorkflow")
class ChangedCascade(CascadeDeleteWorkflow):
    """Starts with a pause."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__(given)

    @workflow.run
    async def run(self, given: Any) -> OperationResult:
        """The same, after a pause."""
        await asyncio.sleep(1)
        return await super().run(given)


@workflow.defn(name="PlanWorkflow")
class ChangedPlan(PlanWorkflow):
    """Starts with a pause."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__(given)

    @workflow.run
    async def run(self, given: Any) -> OperationResult:
        """The same, after a pause."""
        await asyncio.sleep(1)
        return await super().run(given)


@workflow.defn(name="MergeWorkflow")
class ChangedMerge(MergeWorkflow):
    """Starts with a pause."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__(given)

    @workflow.run
    async def run(self, given: Any) -> OperationResult:
        """The same, after a pause."""
        await asyncio.sleep(1)
        return await super().run(given)


@workflow.defn(name="DeliveryWorkflow")
class ChangedDelivery(DeliveryWorkflow):
    """Starts with a pause."""

    @workflow.init
    def __init__(self, given: Any) -> None:
        super().__init__(given)

    @workflow.run
    async def run(self, given: Any) -> DeliveryResult:
        """The same, after a pause."""
        await asyncio.sleep(1)
        return await super().run(given)


@workflow.defn(name="ErasureWorkflow")
class ChangedErasure(ErasureWorkflow):
    """Starts with a pause."""

    @workflow.run
    async def run(self, step: ErasureStep) -> None:
        """The same, after a pause."""
        await asyncio.sleep(1)
        await super().run(step)


@workflow.defn(name="RetentionWorkflow")
class ChangedRetention(RetentionWorkflow):
    """Starts with a pause."""

    @workflow.run
    async def run(self, given: RetentionRun) -> RetentionResult:
        """The same, after a pause."""
        await asyncio.sleep(1)
        return await super().run(given)


CHANGED: tuple[type[Any], ...] = (
    ChangedRelationship,
    ChangedMove,
    ChangedCascade,
    ChangedPlan,
    ChangedMerge,
    ChangedDelivery,
    ChangedErasure,
    ChangedRetention,
)
