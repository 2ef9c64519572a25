"""Prometheus metrics: counters of this process, and gauges that are read from the database for each scrape."""

from collections.abc import Sequence
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from store.read.gauges import (
    ConsumerGauge,
    Gauges,
    HorizonGauge,
    QuarantineCount,
    SenderGauge,
    StrayCount,
    TrimmedCount,
)

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one application. ``MetricsMiddleware`` counts requests; routes count facts with ``facts``."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "tether_http_requests", "HTTP requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "tether_http_request_seconds",
            "Seconds from a request to the end of its response, including waits.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        facts = Counter("tether_facts", "Facts received, by outcome.", ["outcome"], registry=self._registry)
        self._stale = Counter(
            "tether_facts_stale",
            "Accepted facts that are older than what was known when they arrived.",
            registry=self._registry,
        )
        self._facts = {
            name: facts.labels(name) for name in ("accepted", "duplicate", "ignored", "quarantined", "rejected")
        }
        self._of_route: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def request(self, method: str, route: str, status: str, seconds: float) -> None:
        """Counts an answered request, and its seconds. ``route``: its template."""
        labels = (method, route, status)
        found = self._of_route.get(labels)
        if found is None:  # the look-up by labels takes as long as the count
            found = self.requests.labels(*labels), self.seconds.labels(method, route)
            self._of_route[labels] = found
        requests, seconds_of = found
        requests.inc()
        seconds_of.observe(seconds)

    def facts(
        self,
        accepted: int = 0,
        duplicates: int = 0,
        quarantined: int = 0,
        rejected: int = 0,
        stale: int = 0,
        ignored: int = 0,
    ) -> None:
        """Adds numbers of facts to the counters of the outcomes. ``stale``: how many of the accepted ones are."""
        self._stale.inc(stale)
        self._facts["accepted"].inc(accepted)
        self._facts["duplicate"].inc(duplicates)
        self._facts["quarantined"].inc(quarantined)
        self._facts["rejected"].inc(rejected)
        self._facts["ignored"].inc(ignored)

    def text(self, gauges: Gauges) -> tuple[bytes, str]:
        """Returns all metrics in Prometheus' text format, those of the database included, and the media type."""
        body = generate_latest(self._registry) + generate_latest(_database(gauges))
        return body, CONTENT_TYPE_PLAIN_0_0_4


def _database(gauges: Gauges) -> CollectorRegistry:
    """Returns a new registry for each reading, so that labels without rows any more do not stay."""
    registry = CollectorRegistry()

    def gauge(name: str, description: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, description, labels, registry=registry)

    if gauges.revisions is not None:
        revision = gauge("tether_head_revision", "The newest revision.", ("tenant",))
        for tenant in gauges.revisions:
            revision.labels(tenant.tenant).set(tenant.revision)
    if gauges.outbox is not None:
        gauge("tether_outbox_due", "Outbox rows that have not been dispatched.").set(gauges.outbox)
    if gauges.waits is not None:
        labels = ("tenant", "relationship", "missing")
        waits = gauge("tether_waits", "Relationship instances that wait for their parent or their child.", labels)
        overdue = gauge("tether_waits_overdue", "Waits that are past their due time.", labels)
        for wait in gauges.waits:
            waits.labels(wait.tenant, wait.relationship, wait.missing).set(wait.waits)
            overdue.labels(wait.tenant, wait.relationship, wait.missing).set(wait.overdue)
    _quarantine(registry, gauges.quarantine or (), gauges.senders or ())
    _retention(registry, gauges.horizons or (), gauges.trimmed or ())
    if gauges.strays is not None:
        _strays(registry, gauges.strays)
    _consumers(registry, gauges.consumers or ())
    return registry


def _retention(registry: CollectorRegistry, horizons: Sequence[HorizonGauge], trimmed: Sequence[TrimmedCount]) -> None:
    revision = Gauge("tether_horizon_revision", "The first revision that can be read.", ["tenant"], registry=registry)
    age = Gauge("tether_horizon_age_seconds", "Seconds since that was written.", ["tenant"], registry=registry)
    for horizon in horizons:
        revision.labels(horizon.tenant).set(horizon.revision)
        age.labels(horizon.tenant).set(horizon.age)
    text = "Rows that were trimmed, and bodies of facts that were emptied."
    rows = Counter("tether_trimmed_rows", text, ["tenant", "what"], registry=registry)
    for of_table in trimmed:
        rows.labels(of_table.tenant, of_table.what).inc(of_table.rows)


def _quarantine(registry: CollectorRegistry, counts: Sequence[QuarantineCount], senders: Sequence[SenderGauge]) -> None:
    facts = Gauge("tether_quarantine", "Facts in quarantine.", ["tenant"], registry=registry)
    for count in counts:
        facts.labels(count.tenant).set(count.facts)
    labels = ["tenant", "key"]
    events = Gauge("tether_quarantine_key_events", "Facts in quarantine, by API key.", labels, registry=registry)
    size = Gauge("tether_quarantine_key_bytes", "Bytes in quarantine, by API key.", labels, registry=registry)
    text = "Facts that the quarantine did not keep, as it held the limit of their API key."
    missed = Counter("tether_quarantine_not_kept", text, labels, registry=registry)
    for sender in senders:
        events.labels(sender.tenant, sender.actor).set(sender.events)
        size.labels(sender.tenant, sender.actor).set(sender.bytes)
        missed.labels(sender.tenant, sender.actor).inc(sender.not_kept)


def _strays(registry: CollectorRegistry, counts: Sequence[StrayCount]) -> None:
    text = "Open workflows of which no row says what they wait for, by what was done: signalled, terminated."
    strays = Counter("tether_stray_workflows", text, ["action"], registry=registry)
    for count in counts:
        strays.labels(count.action).inc(count.workflows)


def _consumers(registry: CollectorRegistry, consumers: Sequence[ConsumerGauge]) -> None:
    def gauge(name: str, description: str, *labels: str) -> Gauge:
        return Gauge(f"tether_consumer_{name}", description, ("tenant", "consumer", *labels), registry=registry)

    revisions = gauge("lag_revisions", "Revisions that a consumer has not acknowledged.")
    seconds = gauge("lag_seconds", "Age of the oldest revision that a consumer has not acknowledged.")
    state = gauge("state", "1 for the state that a consumer is in.", "state")
    for consumer in consumers:
        if consumer.lag_revisions is not None:
            revisions.labels(consumer.tenant, consumer.name).set(consumer.lag_revisions)
        seconds.labels(consumer.tenant, consumer.name).set(consumer.lag_seconds)
        state.labels(consumer.tenant, consumer.name, consumer.state).set(1)


class MetricsMiddleware:
    """Counts and times requests, labelled by the template of their route, not by their path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        begun, status = perf_counter(), "500"

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, observe)
        finally:
            method, route = scope["method"], _route(scope)
            self._metrics.request(method, route, status, perf_counter() - begun)
        return None


def _route(scope: Scope) -> str:
    """Returns the route's template; one label for all unknown paths, whose number is unbounded."""
    path: str = getattr(scope.get("route"), "path_format", "none")
    return path
