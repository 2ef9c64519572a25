"""The parts of one API process, which routes receive by dependency injection."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.http.auth import KeyCache
from api.http.feed_reader import FeedReader
from api.http.metrics import Metrics
from api.http.published import PublishedContracts
from catalog.catalog import Catalog
from config import Settings
from facts.validation import Validator
from starter import Starter
from store.consumers.acknowledgement_waiter import AcknowledgementWaiter
from store.db.pool import Pool
from store.db.revision_waiter import RevisionWaiter
from store.write.recorder import Recorder


@dataclass(frozen=True)
class Dependencies:
    """What routes work with; made once per process, when the application starts. ``starter`` connects lazily."""

    settings: Settings
    catalog: Catalog
    validator: Validator
    pool: Pool
    recorder: Recorder
    keys: KeyCache
    starter: Starter
    revisions: RevisionWaiter
    acknowledged: AcknowledgementWaiter
    metrics: Metrics
    feed: FeedReader
    published: PublishedContracts
    snapshots: Pool
    """For their pages and those of audits alone: however many are read, no other request waits for a connection."""

    def key(self, kind: str, key: str) -> str:
        """The key of a request in the normal form of its kind, under which Tether keeps it."""
        return self.catalog.contracts.key(kind, key)


def dependencies_of(request: Request) -> Dependencies:
    """The parts of the application that serves the request.

    For what is injected itself: FastAPI takes some tens of microseconds to inject a dependency, also one that another
    dependency of the same request has had before.
    """
    found: Dependencies = request.app.state.dependencies
    return found


async def dependencies(request: Request) -> Dependencies:
    """The parts of the application that serves the request, for routes."""
    return dependencies_of(request)


Injected = Annotated[Dependencies, Depends(dependencies)]
