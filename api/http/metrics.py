"""Numbers for Prometheus: of this process, counted as things happen; of the database, read when asked for."""

from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """One per application: ``app.add_middleware(Measured, metrics=metrics)``.

    Facts are counted by whoever records them: ``metrics.facts(accepted=3)``.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "tether_http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "tether_http_request_seconds",
            "Seconds from a request to the end of its answer, waiting included.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        facts = Counter(
            "tether_facts", "Facts that came in, by what became of them.", ["outcome"], registry=self._registry
        )
        self._facts = {name: facts.labels(name) for name in ("accepted", "duplicate", "quarantined")}

    def facts(self, accepted: int = 0, duplicates: int = 0, quarantined: int = 0) -> None:
        """Counts facts that a request brought."""
        self._facts["accepted"].inc(accepted)
        self._facts["duplicate"].inc(duplicates)
        self._facts["quarantined"].inc(quarantined)

    def text(self, gauges: dict[str, list[Any]]) -> tuple[bytes, str]:
        """All of them, with what ``store.read.gauges`` read, and the media type."""
        body = generate_latest(self._registry) + generate_latest(_database(gauges))
        return body, CONTENT_TYPE_PLAIN_0_0_4


def _database(found: dict[str, list[Any]]) -> CollectorRegistry:
    """Made anew for each reading, so that what is gone is not told of any more."""
    registry = CollectorRegistry()
    for name, says, query, value, labels in _GAUGES:
        if query in found:
            gauge = Gauge(name, says, labels, registry=registry)
            for row in found[query]:
                (gauge.labels(*(row[label] for label in labels)) if labels else gauge).set(row[value])
    return registry


_WAIT = ("tenant", "relationship", "lacks")
_GAUGES: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("tether_head_revision", "The newest revision.", "gauge_heads", "revision", ("tenant",)),
    ("tether_intents_due", "Workflows to be started or told of a fact, and not yet.", "gauge_intents", "count", ()),
    ("tether_waits", "Parents or counterparts that are waited for.", "gauge_waits", "waits", _WAIT),
    ("tether_waits_overdue", "Those past their deadline.", "gauge_waits", "overdue", _WAIT),
    ("tether_quarantine", "Facts that could not be taken.", "gauge_quarantine", "facts", ("tenant",)),
)


class Measured:
    """Middleware that counts and times requests by their route's template, never by what is in the path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        begun, status = perf_counter(), "500"

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            method, route = scope["method"], _route(scope)
            self._metrics.requests.labels(method, route, status).inc()
            self._metrics.seconds.labels(method, route).observe(perf_counter() - begun)
        return None


def _route(scope: Scope) -> str:
    """Strangers choose paths and would fill the memory with names: what has no route is all one."""
    path: str = getattr(scope.get("route"), "path_format", "none")
    return path
