"""An erasure keeps the keys in lists, and those that were added or removed alone: no link changes."""

from store.db.pool import Pool
from store.migrate import migrate
from tests.store.erasure.conftest import Eraser
from tests.support import canaries
from tests.support.events import event
from tests.support.library import current_links
from tests.support.tenants import LIBRARY, StoreTenant

CANARY = "canary-5c1d"


async def test_links_of_an_erased_list_stay_as_they_are(pool: Pool) -> None:
    await migrate(pool, LIBRARY)
    tenant = StoreTenant(pool, LIBRARY)
    await tenant.record(
        event("ArticlePublished", "a", 1, tags=["x", "y"], related=["b"], title=CANARY),
        event("ArticleUntagged", "a", 2, tag="y", note=CANARY),
        event("ArticleTagged", "a", 3, tag="z", note=CANARY),
    )
    before = await current_links(tenant)
    assert {link.parent for link in before} == {"x", "z", "b"}
    await Eraser(pool, tenant).erase("article", "a")
    assert await canaries.find(pool, CANARY) == []
    assert await current_links(tenant) == before
    await tenant.record(event("ArticleTagged", "a", 1, tag="y"))
    assert await current_links(tenant) == before
    added = event("ArticleTagged", "a", 3, tag="z", note=CANARY)
    data = {"source": added["source"], "id": added["id"], "type": added["type"]}
    await tenant.record_own("FactVoided", "article", "a", data)
    assert {link.parent for link in await current_links(tenant)} == {"x", "b"}
