"""How an activity says no: for good, or for now."""

from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from errors import Busy, Unavailable

LONGEST_PAUSE = 300.0
"""Seconds between attempts of our own choosing: they begin with one and double."""


def final(error: Exception) -> ApplicationError:
    """Refused: it is not tried again."""
    return ApplicationError(str(error), type="Refused", non_retryable=True, category=ApplicationErrorCategory.BENIGN)


def later(error: Unavailable) -> ApplicationError:
    """Unavailable: tried again, and not before the owner said, where that is longer than our usual pause. Where we are
    in our own way, pauses do not grow."""
    usual = min(2.0 ** min(activity.info().attempt - 1, 16), LONGEST_PAUSE)
    longer = error.retry_after > usual or isinstance(error, Busy)
    pause = timedelta(seconds=error.retry_after) if longer else None
    return ApplicationError(
        str(error), type="Unavailable", next_retry_delay=pause, category=ApplicationErrorCategory.BENIGN
    )
