"""Replays recorded histories: running workflows continue after the code has changed."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

import temporal
from tests.replay.changed import CHANGED
from tests.replay.record import CONTINUED, HISTORIES, STORIES
from workflows.cascade import CascadeDeleteWorkflow
from workflows.delivery import DeliveryWorkflow
from workflows.erasure import ErasureWorkflow
from workflows.merge import MergeWorkflow
from workflows.move import MoveWorkflow
from workflows.plan import PlanWorkflow
from workflows.relationship import RelationshipWorkflow
from workflows.retention import RetentionWorkflow

BEFORE = sorted((HISTORIES / "before").glob("*.json"))
NOW = sorted((HISTORIES / "now").glob("*.json"))
FILES = [*BEFORE, *NOW]
EARLIER: tuple[type[Any], ...] = (RelationshipWorkflow, MoveWorkflow, CascadeDeleteWorkflow, PlanWorkflow)
"""Those that earlier releases had."""
WORKFLOWS = (*EARLIER, MergeWorkflow, DeliveryWorkflow, ErasureWorkflow, RetentionWorkflow)


def label(file: Path) -> str:
    """Returns folder and name of a history: ``before/complete``."""
    return f"{file.parent.name}/{file.stem}"


def started(file: Path) -> dict[str, Any]:
    """Returns the attributes of the first event of a history."""
    attributes: dict[str, Any] = json.loads(file.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]
    return attributes


def history(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(started(file)["workflowId"], file.read_text())


def replayer(workflows: Sequence[type[Any]]) -> Replayer:
    return Replayer(workflows=workflows, plugins=[temporal.plugin()])


async def failures_of_replay(workflows: Sequence[type[Any]], files: Sequence[Path]) -> dict[str, str]:
    """Returns label → how the code's commands differ from the recorded ones, of the histories where they do.

    The failure of a recorded run is none. One replayer for all: to make one takes longer than to replay a history.
    """
    recorded = [history(file) for file in files]
    labels = {one.run_id: label(file) for one, file in zip(recorded, files, strict=True)}
    async with replayer(workflows).workflow_replay_iterator(each(recorded)) as results:
        found = {labels[result.history.run_id]: result.replay_failure async for result in results}
    assert found.keys() == {label(file) for file in files}
    return {name: repr(failure) for name, failure in found.items() if failure is not None}


async def each(histories: Iterable[WorkflowHistory]) -> AsyncIterator[WorkflowHistory]:
    for one in histories:
        yield one


def test_histories_of_earlier_releases_are_unchanged() -> None:
    lines = (HISTORIES / "before.SHA256SUMS").read_text().splitlines()
    assert lines == [f"{sha256(file.read_bytes()).hexdigest()}  {file.relative_to(HISTORIES)}" for file in BEFORE]


def test_every_story_is_recorded() -> None:
    assert {file.stem for file in NOW} == set(STORIES)


@pytest.mark.parametrize(("files", "workflows"), [(BEFORE, EARLIER), (NOW, WORKFLOWS)], ids=["before", "now"])
def test_every_workflow_is_recorded(files: Sequence[Path], workflows: Sequence[type[Any]]) -> None:
    recorded = {started(file)["workflowType"]["name"] for file in files}
    assert recorded == {workflow.__name__ for workflow in workflows}


async def test_recorded_histories_replay() -> None:
    assert await failures_of_replay(WORKFLOWS, FILES) == {}


async def test_change_that_breaks_running_workflows_is_detected() -> None:
    failures = await failures_of_replay(CHANGED, FILES)
    assert failures.keys() == {label(file) for file in FILES}
    assert [name for name, failure in failures.items() if "Nondeterminism" not in failure] == []


@pytest.mark.parametrize("name", CONTINUED)
def test_recorded_first_run_continues_as_new(name: str) -> None:
    (file,) = [file for file in NOW if file.stem == name]
    assert history(file).events[-1].HasField("workflow_execution_continued_as_new_event_attributes")
