"""Measures one fact per request from many clients: group commit, compared with a transaction per fact."""

from bench.drivers.child_process import child_process, listening
from bench.drivers.client import LoadClient, PublishOrder
from bench.drivers.stack import MeasuredTether
from bench.limits import set_based
from bench.report import usage
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples
from devstack.ports import LOOPBACK, free_port

CLIENTS = 32
RATE = f"facts one by one, {CLIENTS} connections"


async def measure(tether: MeasuredTether, effort: Effort) -> Measurement:
    """Measures Tether and the plain service alternately. Both keep running; the other one is idle."""
    count = effort.of(10_000, 5_000)
    samples = Samples([], [])
    spent: dict[str, float] = {}
    port = free_port()
    url = f"http://{LOOPBACK}:{port}/events"
    async with tether.database() as conn, LoadClient() as client:
        await conn.execute(set_based.SCHEMA)
        plain = child_process(
            tether.folder, "bench.limits.plain_http", str(port), ready=listening(port), env=tether.environment,
            stdin=tether.urls.database + "\n",
        )  # fmt: skip
        async with plain:
            for run in range(effort.runs + 1):
                effort.show(f"{RATE}, run {run} of {effort.runs}")
                tenant = await tether.tenant()
                facts = count if run else count // 5
                start = run * count
                ours = PublishOrder(tether.events, tenant.key, "parcels", facts, start, batch=1, connections=CLIENTS)
                plain_order = PublishOrder(url, "", "parcels", facts, start, batch=1, connections=CLIENTS)
                before = usage.cpu(tether.pids)
                sent = await client.send(ours)
                spent = usage.each(before, usage.cpu(tether.pids), sent.accepted)
                limit = await client.send(plain_order)
                if run:  # the first is the warm-up
                    samples.ours.append(sent.accepted / sent.seconds)
                    samples.limit.append(limit.accepted / limit.seconds)
    return Measurement({RATE: samples}, {"cpu_us_per_fact": spent})


ROW = Benchmark(
    name="singles",
    title="Single facts by POST, settled and on disk",
    figures=(Figure(RATE, "facts/s", "plain FastAPI and asyncpg, a transaction each", Budget(least=1_000)),),
    bound=(
        "The event loop of the one API process: routing, dependencies and the answer of each request in Python; the "
        "shared transaction costs PostgreSQL a tenth of that."
    ),
    measure=measure,
)
