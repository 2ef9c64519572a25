"""The total order of the facts of one entity. When a fact arrived plays no part in it."""

from typing import TypeAlias

Order: TypeAlias = tuple[bool, bool, int, bytes, bool, int, bytes, bytes]
"""Has a sequence, is it a number, digits of the number, sequence, has a time, time, source, id.

Two orders compare part by part with like types only: a comparison that was numeric for some pairs and
textual for others would go in circles ("9" < "10" < "1a" < "9").
"""


def order(sequence: str | None, time: int | None, source: str, id: str) -> Order:
    """The place of a fact among those of its entity. ``time`` is in microseconds since 1970.

    A fact with a sequence comes after those without, a number after any other text, and "7" equals "007";
    what the sequence leaves open is decided by time (none comes first), then source, then id.
    """
    if sequence is None:
        numeric, digits, text = False, 0, b""
    elif sequence.isascii() and sequence.isdigit():
        # Of two numbers without leading zeros the longer is the greater: exact at any length.
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
