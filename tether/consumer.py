"""Keeps a copy of what Tether holds: a snapshot, then the feed, each page in one transaction of your own database.

Import this file or copy it. It needs the standard library, an HTTP client such as ``httpx.AsyncClient`` (with the base
URL and the API key), and a `Copy`, which you write. A process may be killed at any point: rows and position are
committed together, so the next process goes on there. Of two processes of one copy, the one that began last writes it.
"""

import asyncio
import json
import random
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias

Json: TypeAlias = dict[str, Any]
TIMEOUT = 60.0
"""Seconds without a byte after which a request is given up."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0  # seconds; doubled at each failure in a row


class Copy(Protocol):
    """Rows and one text, the position. Each row is of an edition: readers see one, while another may be loading."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A transaction of your database: commits what the block writes, or nothing of it."""

    async def load(self, tx: Any) -> str | None:
        """The position, locked until the transaction ends (``for update``); None or ``"{}"``: there is none yet.

        That must be locked as well (insert an empty one first): of two processes that begin at once, one waits."""

    async def store(self, tx: Any, position: str) -> None:
        """Replaces the position: JSON, of which readers need ``edition``, that of the rows to see (0: there are none
        yet), and may show ``offset``: the rows are as of this point of the feed."""

    async def apply(self, tx: Any, edition: int, items: Sequence[Json]) -> None:
        """Writes what items of the feed say, in their order, to the rows of an edition."""

    async def keep(self, tx: Any, edition: int) -> None:
        """Deletes the rows of all other editions: readers see this one from now on."""


class Superseded(Exception):
    """Another process has taken the copy over; this one must end."""


class Rejected(Exception):
    """Tether refuses a request, and would refuse it again."""


class Away(OSError):
    """Tether does not answer now, or not completely."""


def latest(items: Iterable[Json]) -> dict[str, Json]:
    """The last item that says what is there, for each subject of one kind, replica or relationship.

    Facts, activity and merges have subjects as well, and say nothing of the rows of these.
    """
    return {item["subject"]: item for item in items if item["data"]["change"] in ("entity", "link")}


class Follower:
    """Keeps one copy. ``query``: what to copy, as parameters of the feed: ``{"replica": "shopping_customer"}``.

    ``consumer``: the name under which it is registered, if it is. ``page``: most items in a transaction. ``poll``:
    seconds that a request waits for changes; after them the position moves on over what the query leaves out.
    ``version``: of what `Copy.apply` writes; another one, or another query, loads everything again.
    """

    def __init__(
        self,
        copy: Copy,
        client: Any,
        query: Mapping[str, str],
        *,
        consumer: str | None = None,
        page: int = 1_000,
        poll: float = 2.0,
        version: str = "",
    ) -> None:
        self._copy, self._client, self._query = copy, client, dict(query)
        self._consumer, self._page, self._poll = consumer, page, poll
        self._process, self._acknowledged = uuid.uuid4().hex, ""
        self._of = [self._query, version]

    async def run(self, retry: tuple[type[Exception], ...] = (OSError,)) -> None:
        """Takes the copy over, and keeps it until it is cancelled. Raises Superseded, Rejected.

        ``retry``: what client and database raise while they are away, such as ``(OSError, httpx.TransportError)``.
        """
        act, pause = self.take_over, FIRST_PAUSE
        while True:
            try:
                await act()
                act, pause = self.step, FIRST_PAUSE
            except retry:
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(2 * pause, LONGEST_PAUSE)

    async def take_over(self) -> None:
        """Makes this process the only one that writes the copy and acknowledges for its consumer."""
        async with self._copy.transaction() as tx:
            at = json.loads(await self._copy.load(tx) or "{}") or {"edition": 0, "loading": {}}
            if at.get("of") != self._of:
                at["loading"] = {}
                await self._copy.keep(tx, at["edition"])
            at |= {"process": self._process, "of": self._of}
            if self._consumer is not None:
                answer = await self._client.post(f"/v1/consumers/{self._consumer}/generations", json={})
                at["fence"] = (await _checked(answer)).json()["generation"]
            await self._copy.store(tx, json.dumps(at))

    async def step(self) -> None:
        """Applies the next page, for which it may wait; or a snapshot, if there is no copy yet or it is too old."""
        async with self._copy.transaction() as tx:
            at = await self._position(tx)
        if "loading" in at:
            await self._snapshot(at)
            return
        await self._acknowledge(at)
        query = self._query | {"offset": at["offset"], "limit": str(self._page), "live": "long-poll"}
        query |= {"timeout": str(round(self._poll * 1_000))}
        if at.get("declaration"):  # of a replica; where it is another one by now, the copy is too old as well
            query |= {"declaration": at["declaration"]}
        answer = await self._client.get("/v1/feed", params=query, timeout=self._poll + TIMEOUT)
        if answer.status_code == 410:  # away for too long
            await self._write(at | {"loading": {}})
        elif (reached := (await _checked(answer)).headers["stream-next-offset"]) != at["offset"]:
            await self._write(at | {"offset": reached}, answer.json() if answer.content else [])

    async def _snapshot(self, at: Json) -> None:
        """Loads an edition, or the rest of one that was begun. Readers see the former one until it is complete."""
        loading: Json = at.get("loading", {})
        query = self._query | ({"cursor": loading["cursor"]} if loading else {})
        async with self._client.stream("GET", "/v1/snapshots", params=query, timeout=TIMEOUT) as answer:
            if loading and answer.status_code in (404, 410):  # away for too long: the next step begins another one
                await self._write(at | {"loading": {}}, keep=True)
                return
            await _checked(answer)
            items: list[Json] = []
            async for item in _lines(answer):
                match item["type"]:
                    case "snapshot-start":
                        begun = {"edition": at["edition"] + 1, "offset": item["data"]["offset"]}
                        begun |= {"declaration": item["data"].get("declaration")}
                        if loading and loading.get("declaration") != begun["declaration"]:
                            await self._write(at | {"loading": {}}, keep=True)
                            return
                        loading = loading or begun
                    case "snapshot-end":
                        done = {name: at[name] for name in at if name != "loading"}
                        done |= {name: loading[name] for name in begun}
                        await self._write(done, items, keep=True)
                        return
                    case _:
                        items.append(item)
                if len(items) == self._page:
                    loading |= {"cursor": item["id"]}
                    await self._write(at | {"loading": loading}, items)
                    items = []
        raise Away("the snapshot ended before its last line; the next step goes on after what was stored")

    async def _write(self, at: Json, items: Sequence[Json] = (), *, keep: bool = False) -> None:
        """Commits a position with the items that lead to it."""
        async with self._copy.transaction() as tx:
            await self._position(tx)
            if items:
                await self._copy.apply(tx, (at.get("loading") or at)["edition"], items)
            if keep:
                await self._copy.keep(tx, at["edition"])
            await self._copy.store(tx, json.dumps(at))

    async def _position(self, tx: Any) -> Json:
        at: Json = json.loads(await self._copy.load(tx) or "{}")
        if at.get("process") != self._process:
            raise Superseded("another process has taken the copy over, or its position was deleted")
        return at

    async def _acknowledge(self, at: Json) -> None:
        """Lets Tether know what is committed."""
        if self._consumer is not None and at["offset"] != self._acknowledged:
            said = {"offset": at["offset"], "generation": at["fence"]}
            answer = await self._client.post(f"/v1/consumers/{self._consumer}/acknowledgements", json=said)
            if answer.status_code != 410:  # too old: so is the offset for the feed, which decides
                await _checked(answer)
            self._acknowledged = at["offset"]


async def _lines(answer: Any) -> AsyncIterator[Json]:
    async for line in answer.aiter_lines():
        yield json.loads(line)


async def _checked(answer: Any) -> Any:
    """The answer, unless it says that the request failed. Raises Superseded, Away, Rejected."""
    if answer.status_code < 400:
        return answer
    reason = f"{answer.url} answered {answer.status_code}: {(await answer.aread()).decode(errors='replace')}"
    if "/problems/fenced" in reason:
        raise Superseded(reason)
    if answer.status_code >= 500 or answer.status_code in (408, 429) or "/problems/not-yet" in reason:
        raise Away(reason)
    raise Rejected(reason)
