"""gzip bodies are decoded while they arrive, within limits."""

import gzip
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from api.http.content_coding import FREE, RATIO, decoded, refused_coding
from api.http.problems import TooLarge
from errors import Malformed


async def body(content: bytes, size: int, coding: str = "gzip") -> AsyncIterator[bytes]:
    """The decoded body of a request whose content arrives in parts of a size."""
    parts = [content[at : at + size] for at in range(0, len(content), size)] or [b""]
    messages = iter([{"type": "http.request", "body": part, "more_body": True} for part in parts])

    async def receive() -> dict[str, object]:
        return next(messages, {"type": "http.request", "body": b"", "more_body": False})

    scope = {"type": "http", "headers": [(b"content-encoding", coding.encode())]}
    async for piece in decoded(Request(scope, receive)):
        yield piece


async def whole(content: bytes, size: int = 1 << 14, coding: str = "gzip") -> bytes:
    return b"".join([piece async for piece in body(content, size, coding)])


@given(st.lists(st.binary(max_size=300), max_size=3), st.integers(1, 400))
async def test_gzip_is_decoded_however_it_is_cut(members: list[bytes], size: int) -> None:
    assert await whole(b"".join(map(gzip.compress, members)), size) == b"".join(members)


async def test_large_body_is_decoded_whole() -> None:
    content = b"".join(b'{"id": %d}\n' % n for n in range(200_000))
    assert await whole(gzip.compress(content)) == content


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", " gzip ", "identity, gzip"])
async def test_names_of_gzip(coding: str) -> None:
    assert await whole(gzip.compress(b"{}"), coding=coding) == b"{}"
    assert refused_coding({"content-encoding": coding}) == ""


@pytest.mark.parametrize("coding", ["", "identity", "Identity"])
async def test_identity_is_no_coding(coding: str) -> None:
    assert await whole(b"{}", coding=coding) == b"{}"
    assert refused_coding({"content-encoding": coding}) == ""


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "gzip, br"])
def test_other_codings_are_refused(coding: str) -> None:
    assert refused_coding({"content-encoding": coding}) == coding


@pytest.mark.parametrize("size", [1, 7, 1 << 14])
async def test_broken_gzip_is_malformed(size: int) -> None:
    good = gzip.compress(b'{"id": 1}' * 100)
    with pytest.raises(Malformed, match="ends too early"):
        await whole(good[:-1], size)
    for bad in (b"{}", good + b"{}", good[:20] + b"\xff" * 20, b"\x1f\x8b" + b"\xff" * 30):
        with pytest.raises(Malformed, match="gzip"):
            await whole(bad, size)


async def test_body_that_expands_too_much_is_refused_within_the_limit() -> None:
    bomb = gzip.compress(b"\n" * (100 << 20))
    assert FREE + RATIO * len(bomb) < 100 << 20
    produced = 0

    async def read() -> None:
        nonlocal produced
        async for piece in body(bomb, 1 << 14):
            produced += len(piece)

    with pytest.raises(TooLarge, match="times larger"):
        await read()
    assert produced <= FREE + RATIO * len(bomb)
