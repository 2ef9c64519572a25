"""The quarantine holds each event once for each reason, and counts how often it came."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facts.ingest import Rejection
from tests.support import quarantined
from tests.support.tenants import StoreTenant, in_a_database

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(-1e300, 1e300)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner),
)


def rejection(raw: bytes, reason: str = "unknown type") -> Rejection:
    return Rejection("/groups", "1", "GroupPainted.v1", reason, raw)


async def keep(tenant: StoreTenant, *rejected: Rejection) -> None:
    await quarantined.keep(tenant.pool, tenant.name, *rejected)


async def kept(tenant: StoreTenant) -> list[tuple[bytes, str, int]]:
    query = "select raw, reason, times from quarantine where tenant = $1 order by id"
    return [tuple(row) for row in await tenant.pool.fetch(query, tenant.name)]


async def test_event_delivered_three_times_in_one_batch_counts_three(tenant: StoreTenant) -> None:
    one = rejection(b'{"a": 1}')
    await keep(tenant, one, one, one)
    assert await kept(tenant) == [(b'{"a": 1}', "unknown type", 3)]
    await keep(tenant, one, one)
    assert await kept(tenant) == [(b'{"a": 1}', "unknown type", 5)]


async def test_same_event_with_another_reason_is_another_entry(tenant: StoreTenant) -> None:
    await keep(tenant, rejection(b"{}"), rejection(b"{}", "too large"))
    assert [(reason, times) for _, reason, times in await kept(tenant)] == [("unknown type", 1), ("too large", 1)]


@pytest.mark.parametrize(
    "other",
    [
        *(b'{"b":[1,{"d":"\\u00e9","c":10}],"a":1}', b' { "a" : 1.0, "b" : [ 1e0, {"c": 10, "d": "\xc3\xa9"} ] } '),
        *(b'{"a":1,"b":[1,{"c":1e1,"d":"\xc3\xa9"}]}',),
    ],
)
async def test_other_spelling_of_the_same_json_is_the_same_entry(tenant: StoreTenant, other: bytes) -> None:
    first = '{"a": 1, "b": [1, {"c": 10, "d": "é"}]}'.encode()
    await keep(tenant, rejection(first), rejection(other))
    await keep(tenant, rejection(other))
    assert [(raw, times) for raw, _, times in await kept(tenant)] == [(first, 3)]


@pytest.mark.parametrize("pair", [(b"{1", b"{ 1"), (b"\xff", b"\xfe"), (b'{"a": 1}', b'{"a": "1"}'), (b"1.5", b"1")])
async def test_other_bytes_or_values_are_other_entries(tenant: StoreTenant, pair: tuple[bytes, bytes]) -> None:
    await keep(tenant, *map(rejection, pair))
    assert [(raw, times) for raw, _, times in await kept(tenant)] == [(pair[0], 1), (pair[1], 1)]


@in_a_database
@given(values=st.lists(st.tuples(VALUES, st.integers(1, 3)), min_size=1, max_size=5))
async def test_entries_count_the_deliveries_of_equal_values(tenant: StoreTenant, values: list[tuple[Any, int]]) -> None:
    before = sum(times for _, _, times in await kept(tenant))
    raws = [spelt for value, times in values for spelt in spellings(value) * times]
    await keep(tenant, *map(rejection, raws))
    after = await kept(tenant)
    assert sum(times for _, _, times in after) - before == len(raws)
    for value, _ in values:
        assert (
            len([raw for raw, _, _ in after if orjson.loads(raw) == value and typed(orjson.loads(raw)) == typed(value)])
            == 1
        )


def spellings(value: Any) -> list[bytes]:
    return [orjson.dumps(value), orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)]


def typed(value: Any) -> Any:
    """Makes true and 1 differ, which are equal in Python."""
    if isinstance(value, dict):
        return {name: typed(item) for name, item in value.items()}
    return [typed(item) for item in value] if isinstance(value, list) else (isinstance(value, bool), value)
