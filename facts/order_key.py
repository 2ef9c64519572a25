"""Order keys: bytes that sort like the total order of one entity's facts.

The order is (has a sequence, whether it is all digits, its value as a number or as bytes, time, source, id). The time
of arrival has no part in it, so any order of arrival gives the same state. A number is never compared with a string,
which would be cyclic ("10" < "1a" < "9" < "10").
"""

import struct

_NONE, _TEXT, _NUMBER = b"\x00", b"\x01", b"\x02"
_EPOCH = 1 << 63


def order_key(sequence: str | None, time: int | None, source: str, id: str) -> bytes:
    """The order key of one fact.

    ``time`` in microseconds since 1970. No argument may hold a NUL, which ends a string here.
    """
    if sequence is None:
        head = _NONE
    elif sequence.isascii() and sequence.isdigit():
        digits = sequence.lstrip("0").encode()
        head = _NUMBER + struct.pack(">I", len(digits)) + digits
    else:
        head = _TEXT + sequence.encode() + b"\x00"
    instant = b"\x00" if time is None else b"\x01" + struct.pack(">Q", time + _EPOCH)
    return b"%b%b%b\x00%b" % (head, instant, source.encode(), id.encode())
