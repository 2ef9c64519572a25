"""Facts of activity: their own key, the key that they are about, and when it happened."""

from pathlib import Path
from typing import Any

import pytest

from catalog import catalog as catalogs
from config import Limits
from errors import Unacceptable
from facts import activity
from facts.envelope import Entry, nanoseconds, read, rfc_3339
from facts.validation import Validator
from tests.support.declarations import write
from tests.support.events import Event
from tests.support.merging import activity as did

CATALOG = catalogs.load()
VALIDATOR = Validator(CATALOG, Limits())


def validated(event: Event) -> Entry:
    return VALIDATOR.validate(read(event))


def test_key_is_the_subject_or_else_the_id() -> None:
    entry = validated(did("7", "ann"))
    assert (entry.kind, entry.key, entry.effect) == ("activity", "7", None)
    assert validated(did("7", "ann") | {"subject": "visit"}).key == "visit"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data": {"what": "visited"}}, "person_id: Field required"),
        ({"data": {"what": "visited", "person_id": None}}, "person_id"),
        (
            {"data": {"what": "visited", "person_id": ""}},
            "person_id must be the key of a person: a text of 1 to 512 bytes",
        ),
        ({"data": {"what": "visited", "person_id": "a" * 513}}, "person_id is longer than 512 bytes: it has 513"),
        ({"id": "i" * 513}, "the id, which stands for a subject, is longer than 512 bytes"),
        ({"source": "/tether"}, "source /tether is Tether's own"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unacceptable, match=reason):
        validated(did("1", "ann") | change)


def test_key_of_the_entity_may_be_an_integer_in_any_field(tmp_path: Path) -> None:
    text = """
    OWNER = Owner("doors")
    class GateOpened(Activity, entity="gate_use", of="group", via="by"):
        by: int
        gate: Key
    """
    write(tmp_path, "contracts", "gates", text)
    catalog = catalogs.load([tmp_path])
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/doors",
        "type": "GateOpened.v1",
        "data": {"by": 7, "gate": "g"},
    }
    entry = Validator(catalog, Limits()).validate(read(event))
    contract = catalog.contracts.activity[entry.type]
    assert (entry.kind, entry.key, activity.key_of(catalog.contracts, contract, entry.data)) == ("gate_use", "g", "7")


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00.5+01:00", "2026-01-31T11:00:00.500000Z"),
        ("2026-01-31T12:00:00.000000007Z", "2026-01-31T12:00:00.000000007Z"),
        ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_time_is_written_as_it_was_read(time: str, text: str) -> None:
    assert rfc_3339(nanoseconds(time) or 0) == text
