"""`OPTIONS /v1/events`: the handshake in which a webhook sender obtains consent before it delivers.

The "HTTP 1.1 Web Hooks for Event Delivery" of CloudEvents, section 4: it protects hosts that expect no deliveries.
It authenticates no sender, so it takes no API key; every delivery does.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Response

router = APIRouter(tags=["facts"])

Origin = Annotated[
    str | None,
    Header(
        alias="WebHook-Request-Origin",
        pattern="^[!-~]{1,255}$",
        description="The name of the system that is going to deliver, as in DNS. Without it there is no consent.",
        examples=["eventemitter.example.com"],
    ),
]


@router.options("/events", status_code=200, response_class=Response, summary="Consent to a webhook sender's deliveries")
async def consent(origin: Origin = None) -> Response:
    """Consents to deliveries by `POST` from every origin and at any rate, at once: no callback is called.

    A delivery is then a request like any other, with an API key. It may be answered with 503 and `Retry-After`.
    """
    headers = {"Allow": "OPTIONS, POST"}
    if origin is not None:
        headers |= {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}
    return Response(headers=headers)
