"""Correlation headers of a command, which the owner copies unread into the fact that follows from it.

By them a client recognises the fact that follows from its request, and the owner need not know what the request was
for.
"""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from fastapi import Depends, Request

_ATTRIBUTES = {  # request header -> CloudEvents extension attribute
    "correlation-id": "correlationid",
    "causation-id": "causationid",
    "traceparent": "traceparent",
}


def _carried(request: Request) -> Mapping[str, str]:
    headers = request.headers
    return {attribute: headers[header] for header, attribute in _ATTRIBUTES.items() if header in headers}


Carried: TypeAlias = Annotated[Mapping[str, str], Depends(_carried)]
"""Parameter of an endpoint: the extension attributes for the facts that follow from its command."""
