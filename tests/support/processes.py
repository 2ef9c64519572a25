"""A stack as `tether up` starts it: a process of its own, free ports, data in a folder of its own."""

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


_LEFT_TO_DO = """
select i.* from outbox i
where i.dispatched_at is null
   or i.workflow = 'relationship' and not exists (
       select from waits w where (w.tenant, w.relationship, w.parent) = (i.tenant, i.about, i.key))
   or i.workflow <> 'relationship' and not exists (
       select from operations o
       where (o.tenant, o.workflow, o.about, o.key) = (i.tenant, i.workflow, i.about, i.key)
         and o.state in ('waiting', 'requested', 'running'))
"""
"""Intents that nobody took, or that a workflow should have read to its end."""


class Running:
    """One `tether up`. ``environment``: of everything that belongs to it, the command line included."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.data = folder / "data"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("TETHER_", "TEMPORAL_"))}
        ports = dict.fromkeys(("PORT", "POSTGRES_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT"), "0")
        self.environment |= {f"TETHER_{name}": value for name, value in ports.items()}
        self.environment |= {"TETHER_DATA_DIR": str(self.data), **more}
        self._output = folder / "up.txt"
        with self._output.open("wb") as output:
            self._process = self.tether("up", stdout=output, stderr=output, start_new_session=True)

    def tether(self, *arguments: str, **more: Any) -> "subprocess.Popen[bytes]":
        """Starts a `tether` command."""
        return subprocess.Popen([sys.executable, "-P", "-m", "cli.main", *arguments], env=self.environment, **more)

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def noted(self) -> dict[str, Any]:
        """stack.json; empty while there is none."""
        try:
            found: dict[str, Any] = json.loads((self.data / "stack.json").read_text())
        except FileNotFoundError:
            return {}
        return found

    @property
    def key(self) -> str:
        """The admin's."""
        keys = json.loads((self.data / "credentials.json").read_text())["keys"]
        return str(next(entry["key"] for entry in keys if entry["scope"] == "admin"))

    async def ready(self) -> None:
        """Returns once everything has started."""

        async def ready() -> bool:
            assert self._process.poll() is None, self.said
            return bool(self.noted.get("ready"))

        await eventually(ready)

    async def kill(self, part: str) -> Callable[[], Awaitable[bool]]:
        """kill -9; returns what says whether it is back."""
        before = self.said.count(f"{part} is back")
        os.kill(self.noted["pids"][part], signal.SIGKILL)

        async def back() -> bool:
            assert self._process.poll() is None, self.said
            return self.said.count(f"{part} is back") > before

        return back

    async def database(self, query: str, *arguments: Any) -> list[Any]:
        """Rows, once PostgreSQL answers."""

        found: list[list[Any]] = []

        async def ask() -> bool:
            try:
                conn = await asyncpg.connect(self.noted["urls"]["database"], timeout=5)
            except AWAY:
                return False
            try:
                await conn.execute("set search_path to tether")
                found.append(await conn.fetch(query, *arguments))
            except AWAY:
                return False
            finally:
                conn.terminate()
            return True

        await eventually(ask)
        return found[-1]

    async def open_workflows(self) -> Counter[str]:
        """Ids of the workflows that Temporal shows as open."""
        client = await self._temporal()
        return Counter([w.id async for w in client.list_workflows('ExecutionStatus = "Running"')])

    async def _temporal(self) -> Client:
        return await Client.connect(self.noted["urls"]["temporal"], plugins=[temporal.plugin()])

    async def _story(self, id: str) -> list[str]:
        """The last events of a workflow, for whoever has to find out why it is open."""
        history = await (await self._temporal()).get_workflow_handle(id).fetch_history()
        return [EventType.Name(event.event_type) for event in history.events[-12:]]

    async def waits_with_workflow(self) -> Counter[str]:
        """Ids of the workflows that should be open, by the rows of what waits and what is under way."""
        rows = await self.database("""
            select tenant, 'relationship' as workflow, relationship as about, parent as key
            from waits where workflow_started_at is not null
            union
            select tenant, workflow, about, key from operations where state in ('waiting', 'requested', 'running')
        """)
        return Counter(subject_id(Subject(**row)) for row in rows)

    async def at_rest(self, seconds: float = 120.0) -> None:
        """Returns once nothing is left to do: an open workflow for every wait that is due one, and for nothing else."""
        left: list[Any] = []

        async def quiet() -> bool:
            left[:] = await self.database(_LEFT_TO_DO)
            started, found = await self.waits_with_workflow(), await self.open_workflows()
            left.extend((started - found, found - started))
            return not any(left)

        try:
            await eventually(quiet, seconds)
        except AssertionError as error:
            stories = {id: await self._story(id) for id in list(left[-1])[:3]}
            raise AssertionError(f"not at rest: {left} {stories}") from error

    async def links(self, catalog: Catalog) -> dict[str, list[bytes]]:
        """relationship → sorted `via|child|parent|state`, as read page by page over HTTP."""
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

    async def link(self, relationship: str, parent: str, child: str) -> str:
        """Asks for a link; the operation's id."""
        async with self._http() as http:
            answer = await http.post(f"/v1/relationships/{relationship}/links", json={"parent": parent, "child": child})
            return str(answer.raise_for_status().json()["id"])

    async def operation(self, id: str) -> str:
        """Its state."""
        async with self._http() as http:
            return str((await http.get(f"/v1/operations/{id}")).raise_for_status().json()["state"])

    def _http(self) -> httpx2.AsyncClient:
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx2.AsyncClient(base_url=self.noted["urls"]["api"], headers=headers, timeout=60)

    async def hashes(self, catalog: Catalog) -> dict[str, str]:
        """relationship → SHA-256 of its lines."""
        return {name: lines.digest(rows) for name, rows in (await self.links(catalog)).items()}

    async def stop(self) -> None:
        """Nothing of it runs any more, however it was."""
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
    """A stack that is ready, and gone afterwards. ``folder`` can be passed through by everybody."""
    stack = Running(folder, **environment)
    try:
        await stack.ready()
        yield stack
    finally:
        await stack.stop()
