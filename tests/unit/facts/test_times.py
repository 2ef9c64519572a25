"""Times are taken exactly if they are RFC 3339, in the years 1 to 9999; the model reads them by a parser of its own."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from errors import Malformed
from facts.envelope import moment, nanoseconds
from model import instants

dates = st.sampled_from(
    ["2026-01-31", "0001-01-01", "0001-01-02", "9999-12-31", "9999-12-30", "2024-02-29", "2016-12-31", "1970-01-01",
     "2026-W01-1", "2026-W01", "2026-031", "20260131", "2026-1-31", "2026-02-30", "0000-01-01", "+2026-01-31"]
)  # fmt: skip
separators = st.sampled_from(["T", "t", " ", "_", "", "TT"])
clocks = st.sampled_from(
    ["12:00:00", "00:00:00", "23:59:59", "23:59:60", "24:00:00", "12:00", "12", "120000", "12:60:00", "1:00:00"]
)  # fmt: skip
fractions = st.one_of(
    st.sampled_from(["", ".", ",5", ".5", ".000000001", ".999999999", ".9999999999999"]),
    st.text("0123456789", min_size=1, max_size=12).map(".".__add__),
)
zones = st.one_of(
    st.sampled_from(["Z", "z", "", "-00:00", "+14:00", "-12:00", "+0100", "+01", "+01:00:30", "+24:00", "ZZ", "UTC"]),
    st.builds("{}{:02}:{:02}".format, st.sampled_from("+-"), st.integers(0, 25), st.integers(0, 61)),
)  # fmt: skip
FIRST, LAST = instants.nanoseconds("0001-01-01T00:00:00Z"), instants.nanoseconds("9999-12-31T23:59:59.999999Z")


@given(dates, separators, clocks, fractions, zones)
@example("2026-W01-1", "T", "12:00:00", "", "Z")
@example("2026-01-31", "T", "12:00:00", ",123", "Z")
@example("2026-01-31", "T", "120000", ".0000", "+01:00")
@example("2026-01-31", "T", "12:00", "", "+01:00")
@example("2026-01-31", "T", "12:00:00", "", "+01:60")
@example("2026-01-31", " ", "12:00:00", ".5", "z")
def test_time_is_taken_exactly_if_the_model_takes_it(date: str, sep: str, clock: str, fraction: str, zone: str) -> None:
    text = f"{date}{sep}{clock}{fraction}{zone}"
    try:
        expected: int | None = instants.nanoseconds(text)
    except Malformed:
        expected = None
    if expected is not None and FIRST <= expected <= LAST:
        assert nanoseconds(text) == expected
    elif expected is None:
        with pytest.raises(Malformed, match="is no RFC 3339 time"):
            nanoseconds(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:60Z"])
def test_time_beyond_the_calendar_of_utc_is_refused_with_that_reason(text: str) -> None:
    with pytest.raises(Malformed, match="years 1 to 9999 of UTC"):
        nanoseconds(text)


@pytest.mark.parametrize(
    "text",
    ["0001-01-01T00:00:00Z", "0001-01-01T14:00:00+14:00", "9999-12-31T23:59:59.999999Z", "9999-12-31T11:59:59-12:00"],
)
def test_first_and_last_moments_are_taken(text: str) -> None:
    at = moment(nanoseconds(text))
    assert at is not None
    assert nanoseconds(at.isoformat()) == nanoseconds(text)


@pytest.mark.parametrize("time", [1, True, [], {}, "", ["2026-01-31T12:00:00Z"], 1.5])
def test_other_values_are_no_times(time: object) -> None:
    with pytest.raises(Malformed, match="is no RFC 3339 time"):
        nanoseconds(time)
