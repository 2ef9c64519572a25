"""What the routers work with, made once per process and passed on by the application's state."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.http.auth import Keys
from api.http.metrics import Metrics
from catalog.catalog import Catalog
from config import Settings
from facts.validation import Validator
from starter import Starter
from store.db.pool import Pool
from store.db.revision_waiter import Heads
from store.write.recorder import Recorder


@dataclass(frozen=True)
class Services:
    """The parts of one API process. ``starter`` reaches Temporal, which may be away."""

    settings: Settings
    catalog: Catalog
    validator: Validator
    pool: Pool
    recorder: Recorder
    keys: Keys
    starter: Starter
    heads: Heads
    metrics: Metrics


async def services(request: Request) -> Services:
    """The services of the application that serves this request."""
    found: Services = request.app.state.services
    return found


Has = Annotated[Services, Depends(services)]
