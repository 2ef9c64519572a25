"""The model reads facts from CloudEvents."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.registry import Contract
from catalog.vocabulary import Created, Effect, Key
from errors import Malformed, Unknown
from model.facts import ModelFact, owner_fact, read
from model.instants import nanoseconds
from tests.support.events import event, link_event
from tests.support.model_facts import CATALOG


class BoatLaunched(Created, entity="boat"):
    hull: Key
    name: str = ""


BOAT = Contract("BoatLaunched.v1", "BoatLaunched", 1, "boat", Effect.CREATED, "yard", BoatLaunched, "hull", "here")


def test_fact_has_the_attributes_of_its_event_and_no_defaults() -> None:
    built = event("ItemUpdated", "lamp", "007", time="1970-01-01T00:00:01Z", colour="red")
    assert read(CATALOG, built) == ModelFact(
        source="/items",
        id="ItemUpdated/lamp/007",
        type="ItemUpdated.v1",
        kind="item",
        key="lamp",
        effect=Effect.CHANGED,
        sequence="007",
        time=1_000_000_000,
        data={"colour": "red"},
        correlation=None,
    )


def test_event_without_sequence_time_and_data_is_a_fact() -> None:
    built = event("GroupDeleted", "g", None)
    del built["data"]
    fact = read(CATALOG, built)
    assert (fact.sequence, fact.time, fact.data) == (None, None, {})


def test_explicit_link_is_a_fact_about_the_child() -> None:
    fact = read(CATALOG, link_event("group_channel", "c", "g", 1))
    assert (fact.kind, fact.key, fact.effect) == ("channel", "c", None)


def test_type_without_contract_is_unknown() -> None:
    with pytest.raises(Unknown, match=r"BoatSunk\.v1"):
        read(CATALOG, event("BoatSunk", "b", None, source="/yard"))


def test_key_may_be_a_field_of_the_data() -> None:
    built = event("BoatLaunched", "h1", None, source="/yard", hull="h1")
    assert owner_fact(BOAT, built).key == "h1"
    del built["subject"]
    assert owner_fact(BOAT, built).key == "h1"


def test_two_different_keys_or_none_are_refused() -> None:
    with pytest.raises(Malformed, match="give one of them"):
        owner_fact(BOAT, event("BoatLaunched", "h2", None, source="/yard", hull="h1"))
    with pytest.raises(Malformed, match="has no key of a boat"):
        owner_fact(BOAT, event("BoatLaunched", "", None, source="/yard"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00.5z", 500_000_000),
        ("1970-01-01T01:30:00+01:30", 0),
        ("1969-12-31T23:59:00-00:01", 0),
        ("1970-01-01T00:00:00.0000019999Z", 1_999),
        ("1969-12-31T23:59:59.9999999Z", -100),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000_000_000),
    ],
)
def test_times_are_truncated_to_nanoseconds(text: str, expected: int) -> None:
    assert nanoseconds(text) == expected


@given(
    st.timedeltas(min_value=timedelta(days=-700_000), max_value=timedelta(days=2_900_000)),
    st.integers(-23 * 60, 23 * 60),
)
def test_times_agree_with_datetime_in_every_time_zone(since_epoch: timedelta, offset: int) -> None:
    utc = datetime(1970, 1, 1, tzinfo=UTC) + since_epoch
    local = utc.astimezone(timezone(timedelta(minutes=offset)))
    assert nanoseconds(local.isoformat()) == since_epoch // timedelta(microseconds=1) * 1_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2013-01-01",
        "2013-01-01T00:00:00",
        "2013-02-30T00:00:00Z",
        "2013-01-01T24:00:00Z",
        "٢013-01-01T00:00:00Z",
    ],
)
def test_invalid_time_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="time: "):
        nanoseconds(text)
