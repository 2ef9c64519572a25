"""Writes ``feed.json``: the pages of the feed of MAIN as this version serves them from ``dump.sql``.

``python -m tests.takeover.make_feed``, run with the version whose data is to be taken over, after ``make_fixture``.
"""

import asyncio

import httpx2
import orjson

from api.app import create_app
from config import Settings
from devstack.testing import temporary_postgres
from tests.takeover import load
from tests.takeover.load import DUMP
from tests.takeover.undispatched import ADMIN_OF_MAIN

LIMIT = 40
"""Items of a page."""


async def main() -> None:
    """Each page has the cursor before it (``after``), its items, and the cursor after it (``next``)."""
    async with temporary_postgres() as postgres:
        await load.database(postgres.url)
        app = create_app(Settings(database_url=postgres.url))
        transport, headers = httpx2.ASGITransport(app), {"authorization": f"Bearer {ADMIN_OF_MAIN}"}
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://tether.test", headers=headers) as http,
        ):
            pages, after = [], None
            while not pages or pages[-1]["items"]:
                query = {"limit": LIMIT} if after is None else {"limit": LIMIT, "after": after}
                answer = await http.get("/v1/feed", params=query)
                assert answer.status_code == 200, answer.text
                pages.append({"after": after, **answer.json()})
                after = pages[-1]["next"]
        text = orjson.dumps(pages, option=orjson.OPT_INDENT_2).decode()
        (DUMP.parent / "feed.json").write_text(text + "\n")


if __name__ == "__main__":
    asyncio.run(main())
