"""Assembles the FastAPI application: routes, error handlers, middleware."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

import temporal
from api.http import problems
from api.http.auth import KeyCache
from api.http.dependencies import Dependencies
from api.http.feed_reader import FeedReader
from api.http.head import HeadMiddleware
from api.http.metrics import Metrics, MetricsMiddleware
from api.http.published import PublishedContracts
from api.routes import (
    audits,
    consumers,
    contracts,
    deletions,
    deliveries,
    entities,
    erasures,
    events,
    feed,
    forbidden_merges,
    health,
    imports,
    links,
    merge_batches,
    merge_previews,
    merges,
    moves,
    operations,
    plans,
    quarantine,
    quarantine_runs,
    relationships,
    replicas,
    retention,
    snapshots,
    voids,
    wait,
    waiting,
    webhook_validation,
    webhooks,
)
from catalog import catalog as catalogs
from config import Settings
from facts.validation import Validator
from starter import Starter
from store.consumers.acknowledgement_waiter import AcknowledgementWaiter
from store.db.pool import create_pool
from store.db.revision_waiter import RevisionWaiter
from store.write.recorder import Recorder

# A request is compared with one router after the other, and what many clients call all the time comes first.
ROUTERS = (
    events,
    relationships,
    feed,
    forbidden_merges,  # before entities: a key takes all that is left of a path
    merges,
    merge_previews,
    merge_batches,
    erasures,
    entities,
    voids,
    deletions,
    links,
    moves,
    plans,
    operations,
    waiting,
    replicas,
    consumers,
    webhooks,
    deliveries,
    wait,
    snapshots,
    audits,
    quarantine,  # before its runs: `groups` is no name of them
    quarantine_runs,
    contracts,
    retention,
    imports,
    webhook_validation,
)


def create_app(settings: Settings) -> FastAPI:
    """Returns an application that connects to PostgreSQL when it starts. Raises BadDeclaration for a bad catalog."""
    catalog = catalogs.load(settings.catalog)

    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await create_pool(settings.database_url, settings.database_pool, name="tether api")
        recorder = Recorder(pool, catalog, timedelta(seconds=settings.limits.ahead), settings.quarantine)
        starter = Starter(await temporal.connect(lazy=True))
        validator = Validator(catalog, settings.limits)
        revisions = RevisionWaiter(pool)
        followers = await create_pool(settings.database_url, settings.feed_pool, name="tether feed")
        copiers = await create_pool(settings.database_url, settings.snapshot_pool, name="tether snapshots")
        app.state.dependencies = Dependencies(
            settings,
            catalog,
            validator,
            pool,
            recorder,
            KeyCache(pool),
            starter,
            revisions,
            AcknowledgementWaiter(pool),
            metrics,
            FeedReader(followers, settings.feed_pool, revisions),
            PublishedContracts(catalog),
            copiers,
        )
        yield
        await revisions.close()
        await recorder.close()
        await followers.close()
        await copiers.close()
        await pool.close()

    app = FastAPIOffline(  # its documentation pages load nothing from other hosts
        title="Tether",
        summary="Relationships between entities of services that don't know each other",
        version="0.1.0",
        lifespan=lifespan,
        redirect_slashes=False,  # webhook senders must not follow redirects, and behind a proxy this one names http://
    )
    problems.install(app)
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    app.add_middleware(HeadMiddleware)  # the last one is the outermost: metrics count a GET
    for module in ROUTERS:
        app.include_router(module.router, prefix="/v1")
    app.include_router(contracts.asyncapi_router)
    app.include_router(health.router)
    return app
