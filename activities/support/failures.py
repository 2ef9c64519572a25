"""Turns Tether's errors into Temporal's: final or to be retried."""

from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from errors import Busy, Unavailable

LONGEST_PAUSE = 300.0
"""Seconds: pauses between attempts double from one up to this, unless the owner wants a longer one."""


def final(error: Exception) -> ApplicationError:
    """An error that Temporal does not retry."""
    return ApplicationError(str(error), type="Refused", non_retryable=True, category=ApplicationErrorCategory.BENIGN)


def again(error: Exception, seconds: float) -> ApplicationError:
    """An error that Temporal retries after exactly this pause, whatever the number of attempts."""
    return ApplicationError(
        str(error),
        type="Contradicted",
        next_retry_delay=timedelta(seconds=seconds),
        category=ApplicationErrorCategory.BENIGN,
    )


def later(error: Unavailable) -> ApplicationError:
    """An error that Temporal retries after its usual pause, or the owner's ``retry_after`` where that is longer.

    Pauses after Busy do not grow: nothing is wrong with the owner.
    """
    usual = min(2.0 ** min(activity.info().attempt - 1, 16), LONGEST_PAUSE)
    longer = error.retry_after > usual or isinstance(error, Busy)
    pause = timedelta(seconds=error.retry_after) if longer else None
    return ApplicationError(
        str(error), type="Unavailable", next_retry_delay=pause, category=ApplicationErrorCategory.BENIGN
    )
