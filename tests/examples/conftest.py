"""Fixtures for tests of the example owners."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from examples.channels.service import CHANNELS
from examples.events.service import EVENTS
from examples.groups.service import GROUPS
from examples.owner.service import OwnerService
from examples.owner.testing import RecordingTether, inside


@pytest.fixture
def tether() -> RecordingTether:
    return RecordingTether()


@pytest.fixture(params=[GROUPS, CHANNELS, EVENTS], ids=lambda owner: owner.source.strip("/"))
def owner(request: pytest.FixtureRequest) -> OwnerService:
    chosen = request.param
    assert isinstance(chosen, OwnerService)
    return chosen


@pytest_asyncio.fixture
async def client(owner: OwnerService, tmp_path: Path, tether: RecordingTether) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of each owner of entities with a name, in turn; paths are absolute: ``/groups``."""
    async with inside(owner, tmp_path / "owner.db", tether) as connected:
        yield connected
