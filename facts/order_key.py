"""The total order of the facts of one entity, as bytes that compare like it.

(has sequence, is it all digits, its value as number or bytes, time, source, id): never arrival, and never a
comparison of a number with a text, which would be cyclic ("10" < "1a" < "9" < "10").
"""

import struct

_NONE, _TEXT, _NUMBER = b"\x00", b"\x01", b"\x02"
_EPOCH = 1 << 63


def order_key(sequence: str | None, time: int | None, source: str, id: str) -> bytes:
    """``time`` in microseconds since 1970; no argument may hold a NUL, which ends a text here."""
    if sequence is None:
        head = _NONE
    elif sequence.isascii() and sequence.isdigit():
        digits = sequence.lstrip("0").encode()
        head = _NUMBER + struct.pack(">I", len(digits)) + digits
    else:
        head = _TEXT + sequence.encode() + b"\x00"
    instant = b"\x00" if time is None else b"\x01" + struct.pack(">Q", time + _EPOCH)
    return b"%b%b%b\x00%b" % (head, instant, source.encode(), id.encode())
