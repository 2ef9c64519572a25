"""How activities are called: named sets of options."""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

DELIVERIES = "/deliveries"
"""End of the name of the task queue of deliveries. No owner has a slash in its name."""

DATABASE: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)),
}
"""Local activities on Tether's own database: quick, and retried without limit."""

OWNER_FIRST: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=2),
    "retry_policy": RetryPolicy(maximum_attempts=1),
}
"""The first attempt of a request to an owner, as a local activity: where the owner answers at once, this saves a third
of Temporal's work for one instance."""

OWNER_REPEATED: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=20),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
}
"""Further attempts: an owner may be unavailable for hours. They end with the deadline of what is waited for."""

SWEEP: dict[str, Any] = {
    "start_to_close_timeout": timedelta(minutes=5),
    "heartbeat_timeout": timedelta(seconds=20),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)),
}
"""A few hundred requests in one activity. Its heartbeats stop when its worker dies."""

COUNT: dict[str, Any] = {
    "start_to_close_timeout": timedelta(hours=1),
    "heartbeat_timeout": timedelta(seconds=20),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)),
}
"""Reads of Tether's own database that may take minutes. Heartbeats stop when the worker dies."""


DELIVER: dict[str, Any] = {
    "start_to_close_timeout": timedelta(minutes=10),
    "heartbeat_timeout": timedelta(seconds=20),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)),
}
"""Deliveries to one receiver for some seconds: the requests under way are finished. Heartbeats stop when the worker
dies."""


def delivery_queue() -> str:
    """The task queue of deliveries to webhooks."""
    return f"{workflow.info().task_queue}.{DELIVERIES}"


def owners_queue(owner: str) -> str:
    """The task queue of requests to one owner. A slow owner takes slots of its own worker only."""
    return f"{workflow.info().task_queue}.{owner}"


def is_final(error: FailureError) -> bool:
    """Whether an activity was refused, as opposed to unavailable. A local activity fails without an ActivityError."""
    reason = error.cause if isinstance(error, ActivityError) else error
    return isinstance(reason, ApplicationError) and reason.non_retryable
