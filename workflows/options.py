"""How activities are called: named sets of options, so that steps read as words."""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

NEAR: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)),
}
"""Our own database: near, quick, retried for as long as it takes."""

ASKING_FIRST: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=2),
    "retry_policy": RetryPolicy(maximum_attempts=1),
}
"""An owner that answers at once costs no task of its own: a third of all work of Temporal for one instance."""

ASKING: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=20),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
}
"""An owner: may be away for hours; retried until the instance's own deadline."""

SWEEPING: dict[str, Any] = {
    "start_to_close_timeout": timedelta(minutes=5),
    "heartbeat_timeout": timedelta(seconds=20),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)),
}
"""Some hundreds of children, one request each: a worker that dies in the middle is noticed by its silence."""


def owners_queue(owner: str) -> str:
    """The task queue of what is asked of one owner: a slow one takes slots of its own alone."""
    return f"{workflow.info().task_queue}.{owner}"


def is_final(error: FailureError) -> bool:
    """Whether an activity was refused, as opposed to unavailable. A local one fails without an ActivityError."""
    reason = error.cause if isinstance(error, ActivityError) else error
    return isinstance(reason, ApplicationError) and reason.non_retryable
