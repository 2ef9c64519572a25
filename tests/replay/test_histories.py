"""Workflows that run while the code changes go on: what was recorded replays."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

import temporal
from tests.replay.changed import CHANGED
from tests.replay.record import CONTINUED, NAMES
from workflows.cascade import CascadeDeleteWorkflow
from workflows.move import MoveWorkflow
from workflows.plan import PlanWorkflow
from workflows.relationship import RelationshipWorkflow

FILES = sorted((Path(__file__).parent / "histories").glob("*.json"))
WORKFLOWS: tuple[type[Any], ...] = (RelationshipWorkflow, MoveWorkflow, CascadeDeleteWorkflow, PlanWorkflow)


def started(file: Path) -> dict[str, Any]:
    """What the first event says."""
    attributes: dict[str, Any] = json.loads(file.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]
    return attributes


def history(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(started(file)["workflowId"], file.read_text())


def replayer(workflows: Sequence[type[Any]]) -> Replayer:
    return Replayer(workflows=workflows, plugins=[temporal.plugin()])


def test_every_kind_of_run_is_recorded() -> None:
    assert {file.stem for file in FILES} >= set(NAMES)


def test_every_workflow_is_recorded() -> None:
    recorded = {started(file)["workflowType"]["name"] for file in FILES}
    assert recorded == {workflow.__name__ for workflow in WORKFLOWS}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_what_was_recorded_replays(file: Path) -> None:
    await replayer(WORKFLOWS).replay_workflow(history(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_change_that_breaks_running_workflows_is_found(file: Path) -> None:
    with pytest.raises(Exception, match="Nondeterminism"):
        await replayer(CHANGED).replay_workflow(history(file))


@pytest.mark.parametrize("name", CONTINUED)
def test_the_recorded_run_that_made_way_ends_in_another(name: str) -> None:
    (file,) = [file for file in FILES if file.stem == name]
    assert history(file).events[-1].HasField("workflow_execution_continued_as_new_event_attributes")
