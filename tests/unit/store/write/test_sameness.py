"""What makes two deliveries the same fact: the meaning of its attributes, not their spelling."""

from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from catalog import catalog as catalogs
from config import Limits
from facts.correlation import encode
from facts.envelope import Entry
from facts.ingest import Batch
from facts.validation import Validator
from store.write.sameness import RecordedFact, differences, first_difference
from tests.support.json_spelling import OBJECTS, VALUES, meaning, spell

VALIDATOR = Validator(catalogs.load(), Limits())
randoms = st.integers(0, 2**32).map(Random)


def entry(raw: bytes) -> Entry:
    batch = Batch(VALIDATOR)
    found = batch.add_json(raw)
    assert found is not None, batch.rejections
    return found


def channel(extra: Any = None, **changed: Any) -> dict[str, Any]:
    event = {"specversion": "1.0", "id": "1", "source": "/channels", "type": "ChannelCreated.v1", "subject": "c1"}
    return {**event, "sequence": "1", "data": {"name": "c1", "extra": extra}, **changed}


def of(event: dict[str, Any]) -> Entry:
    return entry(orjson.dumps(event))


@given(OBJECTS, randoms)
def test_every_spelling_of_an_event_has_the_same_digest_and_data(extra: dict[str, Any], random: Random) -> None:
    event = channel(extra)
    one, other = entry(spell(random, event).encode()), entry(spell(random, event).encode())
    assert (one.digest, one.body) == (other.digest, other.body)
    assert differences(one, other) == []


@given(VALUES, VALUES)
@example(1, True)
@example(0, False)
@example("1", 1)
@example(2**53, 2**53 + 1)
@example(9007199254740992.0, 9007199254740993)
@example({}, [])
@example(None, {})
@example([1, [2]], [[1], 2])
@example({"a": 1, "b": 2}, {"a": 2, "b": 1})
def test_values_that_differ_in_meaning_have_different_digests(one: Any, other: Any) -> None:
    assume(meaning(one) != meaning(other))
    assert of(channel(one)).digest != of(channel(other)).digest
    path = first_difference(one, other)
    assert path is not None
    assert path.startswith("data")


@given(OBJECTS, randoms)
def test_equal_meaning_has_no_difference(extra: dict[str, Any], random: Random) -> None:
    recorded = _recorded(of(channel()))._replace(data={"name": "c1", "extra": extra})
    assert differences(recorded, entry(spell(random, channel(extra)).encode())) == []


def test_another_time_does_not_make_another_fact() -> None:
    facts = [of(channel(time=time)) for time in (None, "2026-01-01T00:00:00Z", "2026-01-01T00:00:05.5Z")]
    assert len({fact.digest for fact in facts}) == 1


@pytest.mark.parametrize(
    "carried",
    [
        {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        {"causationid": "c"},
        {"correlationid": "not made by Tether"},
        {"partitionkey": "p", "kafkaoffset": 7, "knativearrivaltime": "2026-01-01T00:00:00Z"},
        {"dataschema": "http://example.test/schema"},
        {"datacontenttype": "application/json; charset=UTF-8"},
    ],
)
def test_what_is_carried_along_does_not_make_another_fact(carried: dict[str, Any]) -> None:
    assert of(channel()).digest == of(channel(**carried)).digest


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"type": "ChannelDeleted.v1"}, "type"),
        ({"subject": "c2"}, "subject"),
        ({"sequence": "2"}, "sequence"),
        ({"sequence": None}, "sequence"),
        ({"data": {"name": "other", "extra": None}}, "data.name"),
        ({"data": {"name": "c1"}}, "data.extra"),
        ({"data": {"name": "c1", "extra": [1, {"a": 2}]}}, "data.extra"),
        ({"correlationid": encode("group_channel", "g1")}, "correlationid"),
    ],
)
def test_attribute_that_differs_is_named(changed: dict[str, Any], named: str) -> None:
    event = {name: value for name, value in channel(**changed).items() if value is not None}
    one, other = of(channel()), of(event)
    assert one.digest != other.digest
    assert differences(one, other) == [named]
    assert differences(_recorded(one), other) == [named]


def test_every_attribute_that_differs_is_named_in_order() -> None:
    assert differences(of(channel()), of(channel([1], subject="c2", sequence="9"))) == [
        "subject",
        "sequence",
        "data.extra",
    ]


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        ({"tags": [1, 2, 3]}, {"tags": [1, 2, 4]}, "data.tags[2]"),
        ({"tags": [1]}, {"tags": [1, 2]}, "data.tags[1]"),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": True}]}}, "data.a.b[0].c"),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, "data.a"),
    ],
)
def test_first_field_that_differs_is_named_by_its_path(one: Any, other: Any, path: str) -> None:
    assert first_difference(one, other) == path


@pytest.mark.parametrize(
    ("stored", "sent"), [(1.0, "1"), (100.0, "1e2"), (-0.0, "0"), ({"b": 2.0, "a": 1}, '{"a":1,"b":2}')]
)
def test_fact_recorded_in_another_spelling_is_the_same(stored: Any, sent: str) -> None:
    raw = orjson.dumps(channel("@")).replace(b'"@"', sent.encode())
    recorded = _recorded(of(channel(0)))._replace(data={"name": "c1", "extra": stored})
    assert differences(recorded, entry(raw)) == []


def _recorded(entry: Entry) -> RecordedFact:
    return RecordedFact(entry.source, entry.id, entry.type, entry.key, entry.sequence, entry.data, entry.correlation)
