"""Workflow ids, signals and descriptions: pure functions."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError, TimeoutType

from messages.relationship import RelationshipInstance, Situation, workflow_id
from messages.signals import Nudge, SignalledFact, parse_signal
from starter import workflow_url
from workflows.activity_options import is_final

KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=512)


def id_of(parent: str, relationship: str = "group_channel", tenant: str = "main") -> str:
    return workflow_id(RelationshipInstance(tenant=tenant, relationship=relationship, parent=parent))


def test_workflow_id_is_readable() -> None:
    assert id_of("g1") == "main/group_channel/g1"
    assert id_of("a/b c~é") == "main/group_channel/a%2Fb%20c%7E%C3%A9"


@given(KEYS, KEYS)
def test_different_parents_have_different_ids_of_bounded_length(one: str, other: str) -> None:
    assert (id_of(one) == id_of(other)) == (one == other)
    assert len(id_of(one)) <= 200


def test_no_key_looks_like_the_hash_of_another() -> None:
    long = id_of("x" * 500)
    assert long.startswith("main/group_channel/~")
    assert id_of(long.removeprefix("main/group_channel/")) != long


def test_nudge_is_distinguished_from_the_fact_of_a_service() -> None:
    nudge = Nudge(source="/groups", id="1", revision=7)
    assert parse_signal("GroupCreated", nudge.model_dump_json().encode()) == nudge
    event = {"specversion": "1.0", "source": "/groups", "id": "1", "type": "GroupCreated.v1", "revision": 7}
    body = orjson.dumps(event)
    assert parse_signal("GroupCreated", body) == SignalledFact(name="GroupCreated", body=body.decode())


@given(st.binary(max_size=200))
def test_every_signal_payload_is_accepted(payload: bytes) -> None:
    signal = parse_signal("GroupCreated", payload)
    assert SignalledFact.model_validate_json(signal.model_dump_json()) == signal


def test_situation_is_described_in_one_line() -> None:
    noon = datetime(2026, 1, 31, 12, 3, tzinfo=UTC)
    at_rest = Situation(revision=1, parent_kind="group", child_kind="channel", children=1)
    assert at_rest.describe("complete") == "nothing is missing; 1 linked"
    waiting = at_rest.model_copy(
        update={
            "missing": "child",
            "owner": "channels",
            "awaited_fact": "ChannelCreated",
            "waiting_since": noon,
            "due": noon,
        }
    )
    description = "waiting: ChannelCreated from channels since 2026-01-31 12:03, due 2026-01-31 12:03 UTC"
    assert waiting.describe("waiting") == description
    assert waiting.model_copy(update={"last_error": "refused"}).describe("waiting") == f"{description}; refused"
    one, two = ({"missing_links": links} for links in (["a_b"], ["a_b", "c_d"]))
    assert waiting.model_copy(update=one).describe("waiting") == f"{description}; a_b comes first"
    assert waiting.model_copy(update=two).describe("waiting") == f"{description}; a_b and c_d come first"


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (ApplicationError("no", non_retryable=True), True),
        (ApplicationError("away"), False),
        (TimeoutError("late", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[]), False),
    ],
)
def test_refusal_is_final_and_unavailability_is_not(error: ApplicationError | TimeoutError, final: bool) -> None:
    assert is_final(error) is final
    around = ActivityError(
        "failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="ask",
        activity_id="1",
        retry_state=None,
    )
    around.__cause__ = error
    assert is_final(around) is final


def test_workflow_url_holds_the_id_in_one_path_segment() -> None:
    url = workflow_url("http://ui/", "default", "main/group_channel/a%2Fb")
    assert url == "http://ui/namespaces/default/workflows/main%2Fgroup_channel%2Fa%252Fb"
