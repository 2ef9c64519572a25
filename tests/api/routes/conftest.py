"""Facts that several tests of routes begin with."""

import pytest

from tests.support.people import PEOPLE
from tests.support.recording import FactRecorder


@pytest.fixture
async def people(facts: FactRecorder) -> FactRecorder:
    await facts.record(*PEOPLE)
    return facts
