"""A batch turns the events that are added to it into entries and rejections."""

import json
from typing import Any

import pytest

from catalog import catalog as catalogs
from config import Limits
from errors import Forbidden, Malformed
from facts.envelope import Envelope
from facts.ingest import Batch
from facts.json_text import parse_json
from facts.validation import Validator

VALIDATOR = Validator(catalogs.load(), Limits())


def event(key: str = "g1", **changed: Any) -> dict[str, Any]:
    good = {"specversion": "1.0", "id": key, "source": "/groups", "type": "GroupCreated.v1", "subject": key}
    return {**good, "data": {"name": key}, **changed}


def text(key: str = "g1", **changed: Any) -> bytes:
    return json.dumps(event(key, **changed)).encode()


def deny_b(envelope: Envelope) -> None:
    if envelope.id == "b":
        raise Forbidden(f"may not publish {envelope.type}")


def test_every_event_has_one_outcome_under_its_index() -> None:
    batch = Batch(VALIDATOR, deny_b, next_index=10)
    for raw in (text("a"), text("b"), text("c", data={}), text("d", id=5), b"{", text("e")):
        batch.add_json(raw)
    assert [(index, entry.key) for index, entry in zip(batch.entry_indexes, batch.entries, strict=True)] == [
        (10, "a"),
        (15, "e"),
    ]
    assert [(one.index, one.id, one.quarantined, one.reason[:20]) for one in batch.flawed] == [
        (11, "b", False, "may not publish Grou"),
        (12, "c", True, "breaks GroupCreated."),
        (13, None, False, "id: must be a text t"),
        (14, None, False, "event: is no JSON: E"),
    ]
    assert [one.raw for one in batch.rejections] == [text("c", data={}), text("d", id=5), b"{"]
    assert batch.next_index == 16


def test_warning_has_the_index_of_the_event_that_is_recorded() -> None:
    batch = Batch(VALIDATOR)
    batch.add(event("a", data={}))
    batch.add(event("t", source="/teams", type="TeamCreated.v1", data={"name": "t", "event": "e"}))
    assert [(one.index, one.reason) for one in batch.warnings] == [
        (1, "TeamCreated.v1 declares no field 'event': is 'event_id' meant?")
    ]
    assert batch.entry_indexes == [1]


def test_rejection_keeps_the_event_as_it_was_received() -> None:
    batch = Batch(VALIDATOR)
    raw = text(type="GroupPainted.v1") + b"  "
    assert batch.add_json(raw) is None
    (rejection,) = batch.rejections
    assert (rejection.source, rejection.id, rejection.type) == ("/groups", "g1", "GroupPainted.v1")
    assert rejection.raw == raw
    assert rejection.reason == "unknown type: no contract declares GroupPainted.v1"


def test_rejected_event_is_cut_off_at_the_limit() -> None:
    batch = Batch(VALIDATOR, keep=10)
    batch.add(event(data={}))
    assert len(batch.rejections[0].raw) == 10


@pytest.mark.parametrize(("changed", "error"), [({"id": None}, Malformed), ({"id": "b"}, Forbidden)])
def test_flaw_of_the_only_event_of_a_request_refuses_the_request(
    changed: dict[str, Any], error: type[Exception]
) -> None:
    batch = Batch(VALIDATOR, deny_b, alone=True)
    with pytest.raises(error):
        batch.add(event(**changed))
    assert (batch.entries, batch.rejections, batch.flawed) == ([], [], [])


def test_signal_must_carry_the_fact_it_is_named_after() -> None:
    batch = Batch(VALIDATOR)
    assert batch.add_json(text(), signal="GroupCreated") is not None
    assert batch.add_json(text(), signal="GroupRenamed") is None
    assert [one.reason for one in batch.rejections] == ["the signal GroupRenamed carries a GroupCreated"]


@pytest.mark.parametrize(
    ("raw", "flaw"),
    [(b'{"a": 1e400}', "the number 1e400 cannot be kept exactly: send it as a text"), (b'"\\ud800"', "")],
)
def test_good_json_that_orjson_refuses_is_parsed(raw: bytes, flaw: str) -> None:
    assert parse_json(raw)[1] == flaw


@pytest.mark.parametrize(
    ("sequence", "doubt"),
    [
        ("latest", "has no digit"),
        ("٣", "has no digit"),
        ("-7", "is a negative number"),
        ("2026-11-27T10:00:00.5Z", "is a time whose fraction"),
        ("2026-11-27 10:00:00,1234567", "is a time whose fraction"),
        *((plain, "") for plain in ("7", "0/AF", "a-7", "10:00:00", "v1.5", None)),
        *((f"2026-11-27T10:00:00.{fraction}Z", "") for fraction in ("500", "000500", "000000500")),
    ],
)
def test_sequence_that_may_sort_otherwise_than_meant_is_a_warning(sequence: str | None, doubt: str) -> None:
    batch = Batch(VALIDATOR)
    batch.add(event() if sequence is None else event(sequence=sequence))
    assert [one.reason.startswith(f"sequence: {sequence!r} {doubt}") for one in batch.warnings] == [True] * bool(doubt)
