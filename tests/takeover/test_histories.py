"""Workflows that were running continue where Temporal's state is not lost: their histories replay."""

from hashlib import sha256

from tests.replay.test_histories import WORKFLOWS, failures_of_replay, started
from tests.takeover import load

FILES = sorted(load.HISTORIES.glob("*.json"))
LATER = {"DeliveryWorkflow", "ErasureWorkflow", "MergeWorkflow", "RetentionWorkflow"}
"""Workflows that the earlier version did not have."""
LARGEST = 200_000
"""Bytes of one file."""


async def test_workflows_of_the_earlier_version_replay() -> None:
    assert await failures_of_replay(WORKFLOWS, FILES) == {}


def test_every_workflow_type_of_the_earlier_version_was_running() -> None:
    running = {started(file)["workflowType"]["name"] for file in FILES if file.stem.startswith("open.")}
    assert running == {workflow.__name__ for workflow in WORKFLOWS} - LATER


def test_recorded_files_are_small_and_text() -> None:
    files = [load.DUMP, load.EXPECTED, *load.OWNERS_DUMPS.glob("*.sql"), *FILES]
    assert [file.name for file in files if "\0" in file.read_text(encoding="utf-8")] == []
    assert [file.name for file in files if file.stat().st_size > LARGEST] == []


def test_recorded_files_are_unchanged() -> None:
    lines = (load.BEFORE / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    changed = [line for line in lines if sha256((load.BEFORE / line[66:]).read_bytes()).hexdigest() != line[:64]]
    assert changed == []
