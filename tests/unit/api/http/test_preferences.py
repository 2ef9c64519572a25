"""A preference is found in any of the ways in which RFC 7240 lets clients write it."""

import pytest

from api.http.preferences import is_strict


@pytest.mark.parametrize(
    "fields",
    [
        *(["handling=strict"], ["Handling=Strict"], ['handling="strict"'], ["handling = strict"]),
        *(["handling=strict;a=b"], ["respond-async, handling=strict"], ["respond-async", "handling=strict"]),
        *(["handling=strict", "wait=5"], ['a="b,c", handling=strict'], ["", " handling=strict"]),
        *(["handling=strict, handling=lenient"], ["handling=strict; handling=lenient"]),
    ],
)  # fmt: skip
def test_strict_handling_is_found_however_it_is_written(fields: list[str]) -> None:
    assert is_strict(fields)


@pytest.mark.parametrize(
    "fields",
    [
        *([], [""]),
        *(["handling"], ["handling=lenient"], ["handling=lenient", "handling=strict"], ["mishandling=strict"]),
        *(['a="b, handling=strict"'], ["a=b; handling=strict"], ["handling=strictly"], ["strict"]),
    ],
)  # fmt: skip
def test_other_preferences_are_not_strict_handling(fields: list[str]) -> None:
    assert not is_strict(fields)
