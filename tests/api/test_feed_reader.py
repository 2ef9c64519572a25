"""Pages of the feed that followers share."""

from api.http.feed_reader import FeedReader
from api.http.feed_request import JSON, FeedRequest
from catalog.catalog import Catalog
from store.db.pool import Pool
from store.db.revision_waiter import RevisionWaiter
from store.read.feed_offsets import BEGINNING
from store.read.feed_query import query_for
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder


async def test_shared_page_says_up_to_date_only_while_nothing_newer_is_known(
    pool: Pool, facts: FactRecorder, catalog: Catalog
) -> None:
    revisions = RevisionWaiter(pool)
    reader = FeedReader(pool, 1, revisions)
    query = query_for(catalog, kind="category")
    request = FeedRequest(TENANT, query, (), JSON, BEGINNING, False, None, 10, False, 0.0, "", False, "")
    await facts.record(event("CategoryAdded", "a", 1, name="n"))
    page = await reader.next_page(request, BEGINNING, 1)
    assert (len(page.events), page.complete) == (1, True)
    assert await reader.next_page(request, BEGINNING, 1) is page
    await facts.record(event("CategoryAdded", "b", 1, name="n"))
    await revisions.newest(TENANT)  # as another follower has found meanwhile
    assert len((await reader.next_page(request, BEGINNING, 1)).events) == 2
