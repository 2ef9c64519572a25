"""Envelopes: which JSON is a CloudEvent, and which errors the rest raises."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import Malformed
from facts.correlation import CREATION, RequestedFor, decode, encode
from facts.envelope import moment, nanoseconds, read

GOOD: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "/s", "type": "T.v1", "data": {}}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": None}, "specversion"),
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"source": None}, "source"),
        ({"type": None}, "type"),
        ({"type": []}, "type"),
        ({"subject": 5}, "subject"),
        ({"sequence": ""}, "sequence"),
        ({"sequence": 1.5}, "sequence"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2026-01-31T12:00:00"}, "time"),
        ({"time": 1700000000}, "time"),
        ({"time": "0001-01-01T00:00:00+01:00"}, "time"),
        ({"time": "9999-12-31T23:59:59-01:00"}, "time"),
        ({"correlationid": ""}, "correlationid"),
    ],
)
def test_bad_attribute_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read({k: v for k, v in {**GOOD, **change}.items() if v is not None})
    assert refusal.value.field == field
    assert str(refusal.value).startswith(f"{field}: ")


@pytest.mark.parametrize("event", [None, 1, "x", [], True])
def test_event_must_be_a_json_object(event: Any) -> None:
    with pytest.raises(Malformed, match="is no JSON object"):
        read(event)


def test_number_is_accepted_as_sequence() -> None:
    assert read({**GOOD, "sequence": 12}).sequence == "12"


def test_only_unknown_attributes_are_extensions() -> None:
    traced = {
        "correlationid": "c",
        "causationid": "d",
        "traceparent": "t",
        "subject": "x",
        "time": "2026-01-31T12:00:00Z",
    }
    assert read({**GOOD, **traced, "datacontenttype": "application/json"}).extensions is None
    assert read({**GOOD, **traced, "partitionkey": "p", "dataschema": "u"}).extensions == {
        "partitionkey": "p",
        "dataschema": "u",
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00"),
        ("2026-01-31T12:00:00.1234567891Z", "2026-01-31T12:00:00.123456789Z"),
        ("2026-01-31T12:00:00.1234567+01:00", "2026-01-31T11:00:00.123456700Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2026-01-31t12:00:00z", "2026-01-31T12:00:00Z"),
    ],
)
def test_equal_times_are_equal_nanoseconds(one: str, other: str) -> None:
    assert nanoseconds(one) == nanoseconds(other)


def test_moment_reverses_nanoseconds() -> None:
    for text in ("0001-01-02T00:00:00Z", "9999-12-29T23:59:59.999999Z", "1970-01-01T00:00:00Z"):
        at = moment(nanoseconds(text))
        assert at is not None
        assert nanoseconds(at.isoformat().replace("+00:00", "Z")) == nanoseconds(text)


@pytest.mark.parametrize("parent", ["g1", "a/b", "é😀", " ", "x" * 512])
def test_correlation_id_names_its_parent(parent: str) -> None:
    assert decode(encode("group_channel", parent)) == RequestedFor("group_channel", parent)


@given(st.binary(min_size=1, max_size=CREATION + 20))
def test_correlation_id_names_the_incarnation_of_its_parent(created: bytes) -> None:
    text = encode("group_channel", "é/1", created)
    assert len(text) < 200
    decoded = decode(text)
    assert decoded is not None
    assert decoded[:2] == ("group_channel", "é/1")
    assert decoded.created is not None
    assert decoded.created[:CREATION] == created[:CREATION]


@given(st.binary(min_size=1, max_size=CREATION + 20), st.binary(min_size=1, max_size=CREATION + 20))
def test_cut_creation_sorts_after_all_that_begin_alike(created: bytes, ended: bytes) -> None:
    decoded = decode(encode("r", "p", created))
    assert decoded is not None
    assert decoded.created is not None
    if len(created) <= CREATION or ended[:CREATION] != created[:CREATION]:
        assert (ended > decoded.created) == (ended > created)
    elif ended[CREATION:] < b"\xff":
        assert ended < decoded.created


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "abc",
        "tether1.",
        "tether1.!!!!",
        "tether1.eA",
        "tether1.H3g",
        "tether2.eA",
        "tether3.eB95",
        "tether3.eB95.",
        "tether3.eB95.!",
        "tether1.eB95.eA",
        "tether3.eB95.eA.eA",
    ],
)
def test_foreign_correlation_id_decodes_to_none(text: str | None) -> None:
    assert decode(text) is None
