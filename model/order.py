"""The total order of the facts of one entity. It does not depend on when they arrived."""

from typing import TypeAlias

Order: TypeAlias = tuple[bool, bool, int, bytes, bool, int, bytes, bytes]
"""(has a sequence, it is a number, its number of digits, the sequence, has a time, the time, source, id).

Each part compares with parts of the same type only: a comparison that is numeric for some pairs and textual for others
would not be transitive ("9" < "10" < "1a" < "9").
"""


def order(sequence: str | None, time: int | None, source: str, id: str) -> Order:
    """Returns the position of a fact among those of its entity. ``time``: microseconds since 1970 UTC.

    Facts without a sequence come before those with one, other text before numbers, and "7" equals "007". Facts with
    equal sequences are ordered by time (none comes first), then by source, then by id.
    """
    if sequence is None:
        numeric, digits, text = False, 0, b""
    elif sequence.isascii() and sequence.isdigit():
        # Of two numbers without leading zeros the one with more digits is greater: exact at any length.
        number = sequence.lstrip("0")
        numeric, digits, text = True, len(number), number.encode()
    else:
        numeric, digits, text = False, 0, sequence.encode()
    return (
        sequence is not None,
        numeric,
        digits,
        text,
        time is not None,
        0 if time is None else time,
        source.encode(),
        id.encode(),
    )


def encoded(position: Order) -> bytes:
    """Returns the position as bytes that sort alike: the form in which correlation ids hold it."""
    stated, numeric, digits, text, timed, time, source, id = position
    head = b"\0"
    if stated:
        head = b"\2" + digits.to_bytes(4, "big") + text if numeric else b"\1" + text + b"\0"
    instant = b"\1" + (time + 2**63).to_bytes(8, "big") if timed else b"\0"
    return head + instant + source + b"\0" + id
