"""RFC 3339 timestamps as numbers."""

import re
from datetime import date

from errors import Malformed

_EPOCH = date(1970, 1, 1).toordinal()
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)


def microseconds(text: str) -> int:
    """Whole microseconds since 1970 UTC; finer parts are cut off, never rounded up.

    A leap second (``:60``) is the first second of the next minute. Raises Malformed.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise Malformed("time", f"{text!r} is no RFC 3339 timestamp; write 2013-01-31T12:00:00Z")
    year, month, day, hour, minute, second, fraction, sign, away_hours, away_minutes = match.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    except ValueError as error:
        raise Malformed("time", f"{text!r} is no day of the calendar: {error}") from None
    seconds = days * 86_400 + int(hour) * 3_600 + int(minute) * 60 + int(second)
    if sign is not None:
        away = int(away_hours) * 3_600 + int(away_minutes) * 60
        seconds += away if sign == "-" else -away
    return seconds * 1_000_000 + int((fraction or "0")[:6].ljust(6, "0"))
