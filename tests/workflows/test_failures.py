"""How long an activity waits before it sends a request to an owner again."""

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.testing import ActivityEnvironment

from activities.support.failures import LONGEST_PAUSE, later
from errors import Unavailable
from workflows.activity_options import OWNER_REPEATED


@pytest.mark.parametrize(
    ("attempt", "retry_after", "pause"),
    [
        (1, 0.5, None),
        (1, 7, 7),
        (4, 7, None),  # the default pause is 8 by then
        (5, 20, 20),
        (20, 30, None),
        (20, 3600, 3600),
    ],
)
def test_retry_after_lengthens_a_pause_and_never_shortens_it(
    attempt: int, retry_after: float, pause: float | None
) -> None:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    error = environment.run(later, Unavailable("away", retry_after=retry_after))
    assert error.next_retry_delay == (None if pause is None else timedelta(seconds=pause))


def test_default_pauses_equal_those_of_the_retry_policy() -> None:
    policy = OWNER_REPEATED["retry_policy"]
    assert policy.initial_interval == timedelta(seconds=1)
    assert policy.backoff_coefficient == 2.0
    assert policy.maximum_interval == timedelta(seconds=LONGEST_PAUSE)
