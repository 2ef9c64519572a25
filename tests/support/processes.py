"""Runs `tether up` in a process, on free ports and with its data in a folder of the test."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

import temporal
from catalog.catalog import Catalog
from devstack import processes
from messages.workflow_ids import Subject, subject_id
from model import lines
from store.db.pool import AWAY
from tests.support.eventually import eventually

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("api", "worker", "dispatcher", "temporal", "postgres")

_UNFINISHED = """
select i.* from outbox i
where i.dispatched_at is null
   or i.workflow = 'relationship' and not exists (
       select from waits w where (w.tenant, w.relationship, w.parent) = (i.tenant, i.about, i.key))
   or i.workflow <> 'relationship' and not exists (
       select from operations o
       where (o.tenant, o.workflow, o.about, o.key) = (i.tenant, i.workflow, i.about, i.key)
         and o.state in ('waiting', 'requested', 'running'))
"""
"""Outbox rows that are not dispatched, or whose wait or operation has not ended."""


class Running:
    """One `tether up`. ``environment``: the environment variables of its processes and of `tether` commands."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.data = folder / "data"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("TETHER_", "TEMPORAL_"))}
        ports = dict.fromkeys(("PORT", "POSTGRES_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT"), "0")
        self.environment |= {f"TETHER_{name}": value for name, value in ports.items()}
        self.environment |= {"TETHER_DATA_DIR": str(self.data), **more}
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._querying = asyncio.Lock()
        self._client: Client | None = None
        self._output = folder / "up.txt"
        with self._output.open("wb") as output:
            self._process = self.tether("up", stdout=output, stderr=output, start_new_session=True)

    def tether(self, *arguments: str, **more: Any) -> "subprocess.Popen[bytes]":
        """Starts a `tether` command."""
        return subprocess.Popen([sys.executable, "-P", "-m", "cli.main", *arguments], env=self.environment, **more)

    @property
    def output(self) -> str:
        """What the command has printed so far."""
        return self._output.read_text()

    @property
    def stack_file(self) -> dict[str, Any]:
        """The content of stack.json; empty while the file does not exist."""
        try:
            found: dict[str, Any] = json.loads((self.data / "stack.json").read_text())
        except FileNotFoundError:
            return {}
        return found

    @property
    def key(self) -> str:
        """The API key with the scope admin."""
        keys = json.loads((self.data / "credentials.json").read_text())["keys"]
        return str(next(entry["key"] for entry in keys if entry["scope"] == "admin"))

    async def ready(self) -> None:
        """Waits until all parts have started."""

        async def ready() -> bool:
            assert self._process.poll() is None, self.output
            return bool(self.stack_file.get("ready"))

        await eventually(ready)

    async def kill(self, part: str) -> Callable[[], Awaitable[bool]]:
        """Kills a part with SIGKILL; returns a condition that is true once the part has been started again."""
        before = self.output.count(f"{part} is back")
        os.kill(self.stack_file["pids"][part], signal.SIGKILL)

        async def back() -> bool:
            assert self._process.poll() is None, self.output
            return self.output.count(f"{part} is back") > before

        return back

    async def database(self, query: str, *arguments: Any) -> list[Any]:
        """Runs a query, again until PostgreSQL answers; returns the rows."""

        found: list[list[Any]] = []

        async def query_once() -> bool:
            async with self._querying:
                try:
                    found.append(await (await self._connected()).fetch(query, *arguments))
                except AWAY:
                    self._disconnect()
                    return False
            return True

        await eventually(query_once)
        return found[-1]

    async def _connected(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Returns the connection, which is kept: conditions query often, and to connect costs more than to query."""
        if self._connection is None or self._connection.is_closed():
            url = self.stack_file["urls"]["database"]
            settings = {"search_path": "tether"}
            self._connection = await asyncpg.connect(url, timeout=5, command_timeout=60, server_settings=settings)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def open_workflows(self) -> Counter[str]:
        """Returns the ids of the workflows that Temporal lists as open."""
        client = await self._temporal()
        return Counter([w.id async for w in client.list_workflows('ExecutionStatus = "Running"')])

    async def _temporal(self) -> Client:
        if self._client is None:
            self._client = await Client.connect(self.stack_file["urls"]["temporal"], plugins=[temporal.plugin()])
        return self._client

    async def _last_events(self, id: str) -> list[str]:
        """Returns the types of the last events of a workflow, for the message of a failed test."""
        history = await (await self._temporal()).get_workflow_handle(id).fetch_history()
        return [EventType.Name(event.event_type) for event in history.events[-12:]]

    async def waits_with_workflow(self) -> Counter[str]:
        """Returns the ids of the workflows that should be open, by the rows of waits and of unfinished operations."""
        rows = await self.database("""
            select tenant, 'relationship' as workflow, relationship as about, parent as key
            from waits where workflow_started_at is not null
            union
            select tenant, workflow, about, key from operations where state in ('waiting', 'requested', 'running')
        """)
        return Counter(subject_id(Subject(**row)) for row in rows)

    async def at_rest(self, seconds: float = 120.0) -> None:
        """Waits until all outbox rows are processed and exactly the workflows are open that should be."""
        left: list[Any] = []

        async def quiet() -> bool:
            left[:] = await self.database(_UNFINISHED)
            started, found = await self.waits_with_workflow(), await self.open_workflows()
            left.extend((started - found, found - started))
            return not any(left)

        try:
            await eventually(quiet, seconds)
        except AssertionError as error:
            events = {id: await self._last_events(id) for id in list(left[-1])[:3]}
            raise AssertionError(f"not at rest: {left} {events}") from error

    async def links(self, catalog: Catalog) -> dict[str, list[bytes]]:
        """Reads all links over HTTP, page by page; returns relationship → sorted lines `via|child|parent|state`."""
        found = {}
        async with self._http() as http:
            for name, relationship in catalog.relationships.items():
                via, query, rows = relationship.field or name, {"limit": "1000"}, []
                while True:
                    answer = await http.get(f"/v1/relationships/{name}/links", params=query)
                    page = answer.raise_for_status().json()
                    rows += [f"{via}|{i['child']}|{i['parent']}|{i['state']}".encode() for i in page["items"]]
                    if page["next"] is None:
                        break
                    query["cursor"] = page["next"]
                found[name] = sorted(rows)
        return found

    async def read(self, path: str, **query: str) -> Any:
        """Returns the JSON of a path below /v1."""
        async with self._http() as http:
            return (await http.get(f"/v1/{path}", params=query)).raise_for_status().json()

    async def link(self, relationship: str, parent: str, child: str) -> str:
        """Requests a link; returns the id of the operation."""
        async with self._http() as http:
            answer = await http.post(f"/v1/relationships/{relationship}/links", json={"parent": parent, "child": child})
            return str(answer.raise_for_status().json()["id"])

    async def operation(self, id: str) -> str:
        """Returns the state of an operation."""
        async with self._http() as http:
            return str((await http.get(f"/v1/operations/{id}")).raise_for_status().json()["state"])

    def _http(self) -> httpx2.AsyncClient:
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx2.AsyncClient(base_url=self.stack_file["urls"]["api"], headers=headers, timeout=60)

    async def hashes(self, catalog: Catalog) -> dict[str, str]:
        """Returns relationship → SHA-256 of its lines."""
        return {name: lines.digest(rows) for name, rows in (await self.links(catalog)).items()}

    async def stop(self) -> None:
        """Stops all processes of the stack, in whatever state they are."""
        self._disconnect()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            await asyncio.to_thread(self._process.wait, 30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        await processes.end_stack(self.data, self.data / "postgres")


@asynccontextmanager
async def running(folder: Path, **environment: str) -> AsyncIterator[Running]:
    """Runs a stack within the block. All users must be allowed to pass through ``folder``, for PostgreSQL."""
    stack = Running(folder, **environment)
    try:
        await stack.ready()
        yield stack
    finally:
        await stack.stop()
