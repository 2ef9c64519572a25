"""A batch turns the events that are added to it into entries and rejections."""

import json
from typing import Any

import pytest

from catalog import catalog as catalogs
from config import Limits
from errors import Forbidden, Malformed
from facts.envelope import Envelope
from facts.ingest import Batch
from facts.json_text import array_elements, parse_json
from facts.validation import Validator

VALIDATOR = Validator(catalogs.load(), Limits())


def event(key: str = "g1", **changed: Any) -> dict[str, Any]:
    good = {"specversion": "1.0", "id": key, "source": "/groups", "type": "GroupCreated.v1", "subject": key}
    return {**good, "data": {"name": key}, **changed}


def text(key: str = "g1", **changed: Any) -> bytes:
    return json.dumps(event(key, **changed)).encode()


def test_entries_and_rejections_keep_the_index_of_their_event() -> None:
    batch = Batch(VALIDATOR, next_index=10)
    batch.add_json(text("a"))
    batch.add_json(text("b", data={}))
    batch.add_json(text("c"))
    assert [(index, entry.key) for index, entry in zip(batch.entry_indexes, batch.entries, strict=True)] == [
        (10, "a"),
        (12, "c"),
    ]
    assert (batch.rejection_indexes, batch.next_index) == ([11], 13)


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


@pytest.mark.parametrize("numbered", [True, False])
def test_errors_name_the_index_in_a_batch_of_several_events(numbered: bool) -> None:
    batch = Batch(VALIDATOR, numbered=numbered)
    batch.add(event())
    with pytest.raises(Malformed) as refusal:
        batch.add(event("g2", id=None))
    assert refusal.value.index == (1 if numbered else None)


def test_unauthorized_fact_is_neither_recorded_nor_rejected() -> None:
    def deny(envelope: Envelope, index: int | None) -> None:
        raise Forbidden(f"{envelope.type} at {index}")

    batch = Batch(VALIDATOR, deny, numbered=True)
    with pytest.raises(Forbidden, match=r"GroupCreated\.v1 at 0"):
        batch.add(event())
    assert (batch.entries, batch.rejections) == ([], [])


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
    assert parse_json(raw, None)[1] == flaw


def test_broken_element_of_an_array_does_not_affect_the_others() -> None:
    assert array_elements(b'[{"a": [1, 2]}, {"b": }, "x,]"]') == [b'{"a": [1, 2]}', b' {"b": }', b' "x,]"']
