"""The preferences of a request: its `Prefer` header fields (RFC 7240)."""

from collections.abc import Iterable
from urllib.request import parse_http_list


def is_strict(fields: Iterable[str]) -> bool:
    """Whether `handling=strict` is preferred: all is to be recorded or nothing.

    ``fields``: the values of all `Prefer` fields, each a list of preferences. Of one that is named twice the first
    counts; its parameters do not matter, and its value may be quoted.
    """
    for preference in parse_http_list(",".join(fields)):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "handling":
            return value.strip().removeprefix('"').removesuffix('"').lower() == "strict"
    return False
