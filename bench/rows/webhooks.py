"""Measures deliveries to one webhook that has the whole feed of a tenant before it."""

import time

import httpx2

from bench.drivers.child_process import child_process, listening
from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.stack import MeasuredTether, Tenant
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples
from devstack.ports import LOOPBACK, free_port

BATCH = 100
RATE = f"items delivered, messages of {BATCH}"


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Publishes facts, then sets the webhook, and takes the time until its receiver has all of them; then the time of
    the same bodies sent by httpx, one after another."""
    count = effort.of(20_000, 5_000)
    samples = Samples([], [])
    spent: dict[str, float] = {}
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    receiver = child_process(
        tether.folder, "bench.drivers.receiver", str(port), ready=listening(port), env=tether.environment
    )
    async with receiver, LoadClient() as client, httpx2.AsyncClient(timeout=60, trust_env=False) as http:
        for run in range(effort.runs + 1):
            effort.show(f"{RATE}, run {run} of {effort.runs}")
            tenant = await tether.tenant()
            facts = count if run else count // 5
            await client.send(PublishOrder(tether.events, tenant.key, "parcels", facts, run * count))
            before = usage.cpu(tether.pids)
            began = time.monotonic()
            await _subscribe(http, tether, tenant, url)
            bodies = (await http.get(f"{url}/bodies/{facts}")).content.split(b"\n")
            took = time.monotonic() - began
            spent = usage.each(before, usage.cpu(tether.pids), facts)
            plain = await _post(http, url, bodies)
            await http.get(f"{url}/bodies/{facts}")
            if run:  # the first is the warm-up
                samples.ours.append(facts / took)
                samples.limit.append(facts / plain)
    return Measurement({RATE: samples}, {"cpu_us_per_item": spent})


async def _subscribe(http: httpx2.AsyncClient, tether: MeasuredTether, tenant: Tenant, url: str) -> None:
    consumer = f"{tether.urls.api}/v1/consumers/bench"
    headers = {"authorization": f"Bearer {tenant.key}"}
    body = {"url": url, "batch": BATCH, "consent": False}
    for answer in (
        await http.put(consumer, json={"filter": {"kind": "parcel"}}, headers=headers),
        await http.put(f"{consumer}/webhook", json=body, headers=headers),
    ):
        answer.raise_for_status()


async def _post(http: httpx2.AsyncClient, url: str, bodies: list[bytes]) -> float:
    """Sends bodies one after another; returns the seconds that took."""
    began = time.monotonic()
    for body in bodies:
        (await http.post(url, content=body)).raise_for_status()
    return time.monotonic() - began


ROW = Benchmark(
    name="webhooks",
    title=f"Deliveries to one webhook on loopback, from the start of its workflow, messages of {BATCH}",
    figures=(Figure(RATE, "items/s", "the same bodies by httpx, one after another", Budget(least=3_000)),),
    bound=(
        "One message at a time: reading a page of the feed, its JSON, the request, and the transaction that moves the "
        "position follow each other."
    ),
    measure=measure,
)
