"""The connection to Temporal, and one plugin for all clients, workers and replayers.

The options of the sandbox are no stable API of the SDK; they are used only here.
"""

from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.plugin import SimplePlugin
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

# Imported once per process instead of once per workflow. They hold no state that workflows change.
_PASSED_THROUGH = (
    "activities",
    "catalog",
    "contracts",
    "errors",
    "facts",
    "gateways",
    "messages",
    "relationships",
    "replicas",
    "store",
    "tether",
    "workflows.base",
    "workflows.fan_out",
    "workflows.operation",
    "workflows.activity_options",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_inspection",
    "orjson",
    "asyncpg",
    "httpx2",
    "structlog",
)


def _sandboxed(runner: WorkflowRunner | None) -> WorkflowRunner:
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*_PASSED_THROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions)


def plugin() -> SimplePlugin:
    """Data converter and sandbox, the same for every client, worker and replayer."""
    return SimplePlugin("tether", data_converter=pydantic_data_converter, workflow_runner=_sandboxed)


async def connect(*, lazy: bool = False, metrics: str = "") -> Client:
    """Connects a client as ``TEMPORAL_*`` say (Temporal's own configuration); ``lazy``: at its first use.

    ``metrics``: host:port where the SDK serves its Prometheus metrics; empty: nowhere.
    """
    config: Any = ClientConfig.load_client_connect_config()
    runtime = None
    if metrics:
        runtime = Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=metrics)))
    return await Client.connect(
        **{"target_host": "127.0.0.1:7233", **config},
        plugins=[plugin()],
        lazy=lazy,
        runtime=runtime,
        connect_timeout=None if lazy else timedelta(seconds=10),
    )
