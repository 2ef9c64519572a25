"""Comparing copies by buckets: canonical JSON, hashes, and the search for the keys that differ."""

from collections.abc import Mapping
from hashlib import sha256
from math import log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tether.audits import DIGITS, FEW, Bucket, canonical, differing_keys, key_hash, row_hash, total


class ServedRows:
    """The other side: answers as ``GET /v1/audits`` does, and counts what it was requested."""

    def __init__(self, rows: Mapping[str, list[Any]]) -> None:
        self._rows = {key: (key_hash(key), row_hash(row)) for key, row in rows.items()}
        self.buckets_read = 0
        self.rows_read = 0

    def buckets(self, prefixes: list[str]) -> dict[str, Bucket]:
        self.buckets_read += len(DIGITS) * len(prefixes)
        found: dict[str, Bucket] = {}
        for hashed, value in self._rows.values():
            if hashed.startswith(tuple(prefixes)):
                below = hashed[: len(prefixes[0]) + 1]
                found[below] = found.get(below, Bucket()).plus(1, value)
        return found

    def rows(self, prefixes: list[str]) -> dict[str, int]:
        found = {key: value for key, (hashed, value) in self._rows.items() if hashed.startswith(tuple(prefixes))}
        self.rows_read += len(found)
        return found


@given(
    size=st.integers(0, 1_500),
    damages=st.lists(st.tuples(st.sampled_from(("wrong", "missing", "extra")), st.integers(0, 2_000)), max_size=12),
)
def test_exactly_the_differing_keys_are_found_by_few_buckets(size: int, damages: list[tuple[str, int]]) -> None:
    theirs = {f"k{n}": [f"k{n}", f"parent-{n % 7}", "linked"] for n in range(size)}
    mine, damaged = dict(theirs), set()
    for damage, n in damages:
        key = f"k{n}" if damage != "extra" else f"x{n}"
        if key in damaged or (damage != "extra" and key not in mine):
            continue
        damaged.add(key)
        if damage == "missing":
            del mine[key]
        else:
            mine[key] = [key, "elsewhere", "linked"]
    served = ServedRows(theirs)
    assert differing_keys(mine.values(), served.buckets, served.rows) == damaged
    depth = max(1.0, log(max(size, 1), 16)) + 1
    assert served.buckets_read <= 16 * max(1, len(damaged)) * depth
    assert served.rows_read <= FEW * len(damaged)


def test_sums_depend_on_the_rows_and_on_no_order() -> None:
    rows: list[list[Any]] = [["a", {"n": 1}], ["b", {"n": 2}, "a"], ["c", None, "a"]]
    assert total(rows) == total(reversed(rows)) != total([["a", {"n": 1}], ["b", {"n": 2}], ["c", None, "a"]])
    assert row_hash(["a", "b", "linked"]) == int.from_bytes(sha256(b'["a","b","linked"]').digest()[:8])
    assert total([]) == Bucket(0, 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "é\u20ac\"\\\n\x0f\x7f"]}, '{"a":[true,null,"é€\\"\\\\\\n\\u000f\x7f"],"b":1}'),
        ({"\U0001f600": 1, "\ufb33": 2, "é": 3}, '{"é":3,"\U0001f600":1,"\ufb33":2}'),  # by UTF-16, as RFC 8785 says
        ([1.0, -0.0, 1e-6, 1e-7, 0.1, -1.5e300], "[1,0,0.000001,1e-7,0.1,-1.5e+300]"),
        ([1e21, 1e20], "[1e+21,100000000000000000000]"),
        ([333333333.33333329, 4.50, 2e-3, 1e-27], "[333333333.3333333,4.5,0.002,1e-27]"),
        ([9007199254740993, 2**64 - 1], "[9007199254740993,18446744073709551615]"),
        ([-(2**63), 2**64], "[-9223372036854775808,18446744073709552000]"),
    ],
)  # fmt: skip
def test_canonical_json_is_that_of_rfc_8785_with_all_digits(value: Any, text: str) -> None:
    assert canonical(value) == text
