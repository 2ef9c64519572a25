"""HEAD is answered as GET, without the body, on every path."""

import pytest

from api.app import create_app
from config import Settings
from tests.api.conftest import Api
from tests.support.events import event
from tests.support.recording import FactRecorder

KNOWN = {"{kind}": "item", "{key}": "i", "{name}": "category_item", "{child}": "i"}


def paths() -> list[str]:
    """The paths that answer GET, with parameters that name what is there."""
    found = ["/docs", "/openapi.json"]
    for path, methods in create_app(Settings()).openapi()["paths"].items():
        for parameter, value in KNOWN.items():
            path = path.replace(parameter, value)
        if "get" in methods and path not in ("/metrics", "/v1/feed"):  # the first counts requests
            found.append(path)
    return sorted(found)


@pytest.mark.parametrize("path", paths())
async def test_head_is_answered_as_get_without_a_body(api: Api, facts: FactRecorder, path: str) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="i", category="c"))
    get, head = await api.http.get(path), await api.http.head(path)
    assert head.content == b""
    assert head.status_code == get.status_code
    assert dict(head.headers) == dict(get.headers)
    assert get.content


async def test_head_of_the_feed_names_its_end(api: Api, facts: FactRecorder) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="i", category="c"))
    head = await api.http.head("/v1/feed")
    items, offset = await api.feed()
    assert (head.status_code, head.content, head.headers["cache-control"]) == (200, b"", "no-store")
    assert (head.headers["stream-next-offset"], head.headers["content-type"]) == (offset, "application/json")
    assert await api.feed(offset=offset) == ([], offset)
    assert items


async def test_head_of_a_path_without_get_is_not_allowed(api: Api) -> None:
    answer = await api.http.head("/v1/events")
    assert (answer.status_code, answer.content) == (405, b"")


async def test_head_is_counted_with_the_route_that_answers_it(api: Api) -> None:
    await api.http.head("/v1/feed")
    lines = (await api.http.get("/metrics")).text.splitlines()
    assert any('method="GET",route="/feed",status="200"' in line for line in lines), lines
