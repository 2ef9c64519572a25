"""Messages of earlier releases stay readable: histories and running workflows hold them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from messages.base import Message
from messages.operations import (
    ChildCounts,
    ChildRequests,
    OperationInput,
    OperationRequest,
    OperationResult,
    OperationStatus,
    OperationStep,
    SweepInput,
    SweepResult,
)
from messages.progress import CarryOver
from messages.relationship import (
    RelationshipInput,
    RelationshipInstance,
    RelationshipResult,
    RelationshipStep,
    Situation,
)
from messages.signals import Nudge, SignalledFact, SignalReport
from messages.workflow_ids import Subject

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
INSTANCE = RelationshipInstance(tenant="main", relationship="group_channel", parent="g1")
SUBJECT = Subject(tenant="main", workflow="cascade", about="event", key="A")
SITUATION = Situation(
    revision=7,
    parent_kind="group",
    child_kind="channel",
    missing="child",
    owner="channels",
    awaited_fact="ChannelCreated",
    waiting_since=NOON,
    due=NOON,
    overdue_notified=True,
    last_error="refused",
    command="CreateChannel",
    incarnation="i",
    operations_due=NOON,
    children=1,
    newer=True,
)
TEAMS = ChildRequests(relationship="event_team", owner="teams", command="DeleteTeam")
STATUS = OperationStatus(
    operation="o",
    kind="delete",
    command="DeleteEvent",
    owner="events",
    awaited="EventDeleted",
    due=NOON,
    to_request=[TEAMS],
    concerned=[TEAMS],
    unconfirmed=2,
    counts=ChildCounts(remaining=1, found=2, confirmed=3, skipped=4, parked=5),
    reason="stuck",
    newer=True,
)

INSTANCE_BEFORE = '{"tenant":"main","relationship":"group_channel","parent":"g1"}'
SUBJECT_BEFORE = '{"tenant":"main","workflow":"cascade","about":"event","key":"A"}'
TEAMS_BEFORE = '{"relationship":"event_team","owner":"teams","command":"DeleteTeam"}'
AT = "2026-01-31T12:00:00Z"
SITUATION_BEFORE = (
    '{"revision":7,"parent_kind":"group","child_kind":"channel","lacks":"child","debtor":"channels",'  # former name
    f'"awaited":"ChannelCreated","since":"{AT}","due":"{AT}",'
    '"told":true,"note":"refused","asks":"CreateChannel",'  # former name
    f'"incarnation":"i","operations_due":"{AT}","children":1,"newer":true}}'
)
STATUS_BEFORE = (
    '{"operation":"o","kind":"delete","asks":"DeleteEvent","owner":"events","awaited":"EventDeleted",'  # former name
    f'"due":"{AT}","todo":[{TEAMS_BEFORE}],"sweeping":[{TEAMS_BEFORE}],"outstanding":2,'
    '"counts":{"pending":1,"found":2,"done":3,"spared":4,"parked":5},"reason":"stuck","newer":true}'  # former name
)

BEFORE: list[tuple[str, Message]] = [
    (INSTANCE_BEFORE, INSTANCE),
    (SUBJECT_BEFORE, SUBJECT),
    (
        f'{INSTANCE_BEFORE[:-1]},"carried":{{"facts":3,"asked":"i","cause":"f"}}}}',  # former name
        RelationshipInput(**INSTANCE.model_dump(), carried=CarryOver(facts=3, requested="i", cause="f")),
    ),
    (
        f'{SUBJECT_BEFORE[:-1]},"carried":{{"facts":3,"asked":"o","runs":2}}}}',  # former name
        OperationInput(**SUBJECT.model_dump(), carried=CarryOver(facts=3, requested="o", runs=2)),
    ),
    ('{"source":"/groups","id":"1","revision":7}', Nudge(source="/groups", id="1", revision=7)),
    (
        f'{{"instance":{INSTANCE_BEFORE},"told":[{{"name":"n","body":"b"}}]}}',  # former name
        SignalReport(instance=INSTANCE, facts=[SignalledFact(name="n", body="b")]),
    ),
    (
        f'{{"instance":{INSTANCE_BEFORE},"now":"{AT}","cause":"f"}}',
        RelationshipStep(instance=INSTANCE, cause="f"),
    ),
    (SITUATION_BEFORE, SITUATION),
    ('{"state":"over","says":"s"}', RelationshipResult(state="over", description="s")),
    (f'{{"subject":{SUBJECT_BEFORE},"now":"{AT}"}}', OperationStep(subject=SUBJECT)),
    (f'{{"subject":{SUBJECT_BEFORE},"operation":"o"}}', OperationRequest(subject=SUBJECT, operation="o")),
    (STATUS_BEFORE, STATUS),
    (
        f'{{"subject":{SUBJECT_BEFORE},"operation":"o","relationship":"r","after":"c","again":true}}',
        SweepInput(subject=SUBJECT, operation="o", relationship="r", after="c", repeat=True),
    ),
    (
        '{"asked":1,"gone":2,"parked":3,"failing":4,"after":"c","away":"503","pause":5.0}',  # former name
        SweepResult(requested=1, gone=2, parked=3, failing=4, after="c", unavailable="503", retry_after=5.0),
    ),
    ('{"says":"s"}', OperationResult(description="s")),
]


def name(value: Any) -> str:
    return type(value).__name__


@pytest.mark.parametrize(("before", "message"), BEFORE, ids=name)
def test_message_of_earlier_release_is_read(before: str, message: Message) -> None:
    assert type(message).model_validate_json(before) == message


@pytest.mark.parametrize("message", [message for _, message in BEFORE], ids=name)
def test_message_is_written_under_its_new_names(message: Message) -> None:
    assert set(message.model_dump(mode="json")) == set(type(message).model_fields)
    assert type(message).model_validate_json(message.model_dump_json()) == message
