"""Proves that a copy holds what Tether holds, or finds the keys that differ. Pure Python: import it, or copy this file.

A copy is a set of rows, each known by its key. A row is a JSON array with the key in front:

    [child, parent, state]      a link; its state is linked, waiting, broken or conflict
    [subject, parent, state]    a many-to-many link, by the subject of its items: ["child","parent"], as JSON
    [key, data]                 a live entity with its fields, or those that a replica declares
    [key, data, survivor]       the same, of a key that is merged; data is null unless its own record is live

``row_hash`` of a row is the first 8 bytes of the SHA-256 of its canonical JSON, as a big-endian unsigned integer. A
bucket is named by a prefix of the SHA-256 of the key in hex; it has the number of its rows, and the sum of their hashes
modulo 2**64, which no order changes. Two copies with equal sums are equal. ``GET /v1/audits`` answers with the buckets
below given prefixes, sixteen for each.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from itertools import islice
from json.encoder import encode_basestring
from typing import Any, NamedTuple

DIGITS = "0123456789abcdef"
FEW = 16
"""Rows of a bucket that are compared one by one: fewer than the buckets below it."""
AT_ONCE = 50
"""Prefixes in one request."""


class Bucket(NamedTuple):
    """The rows whose key hashes to a prefix: their number, and the sum of their hashes. No rows: (0, 0)."""

    rows: int = 0
    sum: int = 0

    def plus(self, rows: int, sum: int) -> "Bucket":
        """The bucket with some more rows."""
        return Bucket(self.rows + rows, (self.sum + sum) % 2**64)


def canonical(value: Any) -> str:
    """Canonical JSON (RFC 8785), except that integers of 64 bits are written with all of their digits."""
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return str(value) if -(2**63) <= value < 2**64 else _number(float(value))
    if isinstance(value, Mapping):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{encode_basestring(name)}:{canonical(value[name])}" for name in names) + "}"
    return "[" + ",".join(map(canonical, value)) + "]"


def _number(value: float) -> str:
    """A double as ECMAScript writes it: its shortest digits, an exponent only below 1e-6 and from 1e21 on."""
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int), "JSON has no such number"
    shown, point = "".join(map(str, digits)), len(digits) + exponent
    if value == 0:
        return "0"
    if -6 < point <= 21:
        if exponent >= 0:
            text = shown + "0" * exponent
        elif point > 0:
            text = f"{shown[:point]}.{shown[point:]}"
        else:
            text = "0." + "0" * -point + shown
    else:
        text = f"{shown[0]}{'.' if shown[1:] else ''}{shown[1:]}e{point - 1:+}"
    return "-" * sign + text


def row_hash(row: Sequence[Any]) -> int:
    """The hash of a row, whose first element is its key."""
    return int.from_bytes(sha256(canonical(row).encode()).digest()[:8])


def key_hash(key: str) -> str:
    """The hash by whose prefixes a key belongs to buckets: 64 hexadecimal digits."""
    return sha256(key.encode()).hexdigest()


def total(rows: Iterable[Sequence[Any]]) -> Bucket:
    """The bucket of all rows: what a snapshot ends with, and what ``GET /v1/audits`` answers without a prefix."""
    found = Bucket()
    for row in rows:
        found = found.plus(1, row_hash(row))
    return found


AskBuckets = Callable[[list[str]], Mapping[str, Bucket]]
"""Prefixes → the buckets below them that are not empty, by prefixes that are one digit longer."""
AskRows = Callable[[list[str]], Mapping[str, int]]
"""Prefixes → the hashes of the rows in those buckets, by key."""


def differing_keys(rows: Iterable[Sequence[Any]], ask_buckets: AskBuckets, ask_rows: AskRows) -> set[str]:
    """The keys of which a copy has a wrong row, or none, or one too many.

    ``rows``: of the copy, each once. Of n rows of which k differ, about 16 · k · log16(n) buckets are read.
    """
    mine = {str(row[0]): (key_hash(str(row[0])), row_hash(row)) for row in rows}
    differing: set[str] = set()
    level = [""]
    while level:
        here: dict[str, Bucket] = {}
        wanted, length = set(level), len(level[0])
        for hashed, value in mine.values():
            if hashed[:length] in wanted:
                below = hashed[: length + 1]
                here[below] = here.get(below, Bucket()).plus(1, value)
        there: dict[str, Bucket] = {}
        for some in _batches(level):
            there.update(ask_buckets(some))
        wrong = sorted(p for p in here.keys() | there.keys() if here.get(p) != there.get(p))
        few = [prefix for prefix in wrong if there.get(prefix, Bucket()).rows <= FEW]
        differing |= _rows_that_differ(mine, few, ask_rows)
        level = [prefix for prefix in wrong if there.get(prefix, Bucket()).rows > FEW]
    return differing


def _rows_that_differ(mine: Mapping[str, tuple[str, int]], prefixes: list[str], ask_rows: AskRows) -> set[str]:
    wanted = set(prefixes)
    length = len(prefixes[0]) if prefixes else 0
    here = {key: value for key, (hashed, value) in mine.items() if hashed[:length] in wanted} if wanted else {}
    there: dict[str, int] = {}
    for some in _batches(prefixes):
        there.update(ask_rows(some))
    return {key for key in here.keys() | there.keys() if here.get(key) != there.get(key)}


def _batches(prefixes: Iterable[str]) -> Iterable[list[str]]:
    rest = iter(prefixes)
    return iter(lambda: list(islice(rest, AT_ONCE)), [])
