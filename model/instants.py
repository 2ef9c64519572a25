"""Converts RFC 3339 timestamps to numbers."""

import re
from datetime import date

from errors import Malformed

_EPOCH = date(1970, 1, 1).toordinal()
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)


def nanoseconds(text: str) -> int:
    """Returns whole nanoseconds since 1970 UTC; smaller fractions are cut off, never rounded up.

    A leap second (``:60``) is the first second of the next minute. Raises Malformed if it is no timestamp.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise Malformed("time", f"{text!r} is no RFC 3339 timestamp; write 2013-01-31T12:00:00Z")
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = match.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    except ValueError as error:
        raise Malformed("time", f"{text!r} is no day of the calendar: {error}") from None
    seconds = days * 86_400 + int(hour) * 3_600 + int(minute) * 60 + int(second)
    if sign is not None:
        offset = int(offset_hours) * 3_600 + int(offset_minutes) * 60
        seconds += offset if sign == "-" else -offset
    return seconds * 1_000_000_000 + int((fraction or "0")[:9].ljust(9, "0"))
