"""Formats of texts, as the validation of facts understands them."""

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import AnyUrl, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

ANYTHING = {"password", "binary", "path"}
"""Formats that any text has."""

_READ: dict[str, Any] = {
    "date": date,
    "date-time": datetime,
    "time": time,
    "duration": timedelta,
    "uri": AnyUrl,
    "ipv4": IPv4Address,
    "ipv6": IPv6Address,
    "ipv4network": IPv4Network,
    "ipv6network": IPv6Network,
    **{f"uuid{version}": UUID for version in ("", 1, 3, 4, 5, 6, 7, 8)},
}

EXAMPLES = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00",
    "duration": "P1D",
    "uri": "https://example.test/",
    "email": "ann@example.test",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "ipv4network": "192.0.2.0/24",
    "ipv6network": "2001:db8::/32",
    "uuid": "0b8f4c5e-5a3c-4b0e-9d0a-1f2e3d4c5b6a",
    "uuid1": "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d",
    "uuid3": "6fa459ea-ee8a-3ca4-894e-db77e160355e",
    "uuid4": "0b8f4c5e-5a3c-4b0e-9d0a-1f2e3d4c5b6a",
    "uuid5": "886313e1-3b8a-5372-9b90-0c9aee199e5d",
    "uuid6": "1ec9414c-232a-6b00-b3c8-9e6bdeced846",
    "uuid7": "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    "uuid8": "2489e9ad-2ee2-8e00-8ec9-32d5f69181c0",
}
"""A text of each format."""


def has_format(text: str, format: str) -> bool:
    """Whether a text has a format; also true for a format that is not known here."""
    if format not in _READ:
        return format != "email" or "@" in text
    try:
        _reader(format).validate_json(orjson.dumps(text), strict=True)
    except ValidationError:
        return False
    return not re.fullmatch(r"uuid\d", format) or UUID(text).version == int(format[-1])


def matches(text: str, pattern: str) -> bool:
    """Whether a text has a part that matches a regular expression, by the rules of the validation of facts."""
    try:
        _matcher(pattern).validate_python(text)
    except SchemaError:  # only in schemas: the validation has no look-ahead
        return re.search(pattern, text) is not None
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=64)
def _reader(format: str) -> TypeAdapter[Any]:
    return TypeAdapter(_READ[format])


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
