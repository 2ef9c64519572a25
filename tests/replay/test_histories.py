"""Workflows that run while the code changes go on: what was recorded replays."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

import temporal
from tests.replay.changed import Changed
from tests.replay.record import STORIES
from workflows.relationship import RelationshipWorkflow

FILES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def history(file: Path) -> WorkflowHistory:
    text = file.read_text()
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text)


def replayer(workflow: type[RelationshipWorkflow]) -> Replayer:
    return Replayer(workflows=[workflow], plugins=[temporal.plugin()])


def test_every_kind_of_run_is_recorded() -> None:
    assert {file.stem for file in FILES} >= {story.__name__ for story in STORIES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_what_was_recorded_replays(file: Path) -> None:
    await replayer(RelationshipWorkflow).replay_workflow(history(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_change_that_breaks_running_workflows_is_found(file: Path) -> None:
    with pytest.raises(Exception, match="Nondeterminism"):
        await replayer(Changed).replay_workflow(history(file))


def test_the_recorded_run_that_made_way_ends_in_another() -> None:
    (file,) = [file for file in FILES if file.stem == "continued"]
    assert history(file).events[-1].HasField("workflow_execution_continued_as_new_event_attributes")
