"""What a command carries for others: copied into the fact that follows, and never read.

An owner that does this can be asked for something by anyone, and whoever asked recognises the answer among
the facts, without the owner knowing what it was wanted for.
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
"""Parameter of an endpoint: the extension attributes for the facts that its command causes."""
