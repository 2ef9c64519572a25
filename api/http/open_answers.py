"""Answers that are sent while they are read, for minutes or without an end, while their API key is in force."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from fastapi import Request
from fastapi.responses import StreamingResponse

from api.http.auth import in_force
from errors import Unauthenticated, Unavailable


def open_answer(
    request: Request, pieces: AsyncGenerator[bytes, None], *, headers: Mapping[str, str], media_type: str
) -> StreamingResponse:
    """Answers with pieces as they come, at the pace of the client. Ends before the next one once the API key of the
    request is revoked: the client connects again, and is answered 401."""
    return StreamingResponse(while_in_force(request, pieces), headers=headers, media_type=media_type)


async def while_in_force(request: Request, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yields pieces until the key of the request is revoked. While that cannot be looked up, it waits."""
    async with aclosing(pieces):
        async for piece in pieces:
            if not await _is_in_force(request):
                return
            yield piece


async def _is_in_force(request: Request) -> bool:
    while True:
        try:
            await in_force(request)
        except Unauthenticated:
            return False
        except Unavailable as error:
            await asyncio.sleep(error.retry_after)
        else:
            return True
