"""Names that are not declared are compared with those that are."""

import pytest

from catalog import catalog as catalogs
from config import Limits
from errors import Unacceptable
from facts.envelope import read
from facts.misspellings import misspelt_attributes, nearest
from facts.validation import Validator

VALIDATOR = Validator(catalogs.load(), Limits())
FIELDS = ("name", "event_id", "colour", "count")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        *(("event", "event_id"), ("eventId", "event_id"), ("event-id", "event_id"), ("EVENT_ID", "event_id")),
        *(("evnt_id", "event_id"), ("event_id_", "event_id"), ("nmae", "name"), ("color", "colour")),
        *(("counts", "count"), ("venue", None), ("e", None), ("", None), ("_", None), ("x" * 100_000, None)),
    ],
)  # fmt: skip
def test_nearest_candidate_is_another_spelling_prefix_or_slip(given: str, meant: str | None) -> None:
    assert nearest(given, FIELDS) == meant


def warnings(**data: object) -> list[str]:
    event = {"specversion": "1.0", "id": "1", "source": "/teams", "type": "TeamCreated.v1", "subject": "t"}
    return list(VALIDATOR.misspelt(VALIDATOR.validate(read({**event, "data": {"name": "x", **data}}))))


def test_only_an_absent_optional_field_is_taken_for_misspelt() -> None:
    assert warnings(event="e") == ["TeamCreated.v1 declares no field 'event': is 'event_id' meant?"]
    assert warnings() == []
    assert warnings(event_id=None, event="e") == []
    assert warnings(nickname="x") == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        *(("seqence", "sequence"), ("Sequence", "sequence"), ("sequenceid", "sequence"), ("seq", "sequence")),
        *(("correlationId", "correlationid"), ("correlation-id", "correlationid"), ("correlation", "correlationid")),
        *(("causation_id", "causationid"), ("Time", "time"), ("timestamp", "time"), ("traceParent", "traceparent")),
        *(("subjekt", "subject"), ("tracestate", None), ("traceid", None), ("dataschema", None), ("topic", None)),
        *(("partitionkey", None), ("recordedtime", None), ("knativearrivaltime", None), ("expiration", None)),
    ],
)  # fmt: skip
def test_attribute_near_to_an_absent_one_is_taken_for_misspelt(given: str, meant: str | None) -> None:
    sentence = f"attribute {given!r} has no effect: is {meant!r} meant?"
    assert list(misspelt_attributes({given: "1"}, [given])) == ([] if meant is None else [sentence])
    if meant is not None:
        assert list(misspelt_attributes({meant: "1", given: "1"}, [given])) == []
        assert list(misspelt_attributes({meant: None, given: "1"}, [given])) == [sentence]


def test_fact_with_thousands_of_other_names_is_looked_at_in_part() -> None:
    assert len(warnings(**{f"event{n}": 1 for n in range(10_000)})) <= 20


@pytest.mark.parametrize(
    ("type", "hint"),
    [
        *(("GroupCreatd.v1", "; is GroupCreated.v1 meant?"), ("groupcreated", "; is GroupCreated.v1 meant?")),
        *(("GroupCreated.v2", "; is GroupCreated.v1 meant?"), ("GroupPainted.v1", ""), ("x", "")),
    ],
)
def test_unknown_type_is_quarantined_with_the_nearest_declared_one(type: str, hint: str) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/groups", "type": type, "subject": "g"}
    with pytest.raises(Unacceptable) as refusal:
        VALIDATOR.validate(read(event))
    assert refusal.value.reason == f"unknown type: no contract declares {type}{hint}"


def test_missing_required_field_is_named_with_the_one_given_for_it() -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/groups", "type": "GroupCreated.v1", "subject": "g"}
    with pytest.raises(Unacceptable, match=r"name: Field required; is 'nmae' meant for it\?"):
        VALIDATOR.validate(read({**event, "data": {"nmae": "x"}}))
