"""Readers of a live feed that know nothing of Tether but a protocol: each keeps a copy until it has read the last item.

Of Durable Streams, the client from PyPI; of HTTP Feeds, one written from its text; of Server-Sent Events and lines, the
least that their formats ask for. All of them block: run them in threads.
"""

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

import httpx2
from durable_streams import stream

END = "the-end"
"""The key of a category, about which the last item is."""

Row = tuple[str, str, str, Any]


class FeedCopy:
    """What the items say is there: rows of entities (kind, key, state, data) and links (relationship, child, parent,
    state)."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self.offsets: list[str] = []
        self.ended = False

    def apply(self, items: Iterable[dict[str, Any]]) -> None:
        """Applies items in their order."""
        for item in items:
            self.offsets.append(item["id"])
            subject = item["subject"]
            match item["type"]:
                case "EntityChanged":
                    self.rows[item["kind"], subject] = (item["kind"], subject, "live", item["data"]["data"])
                    self.ended = self.ended or subject == END
                case "EntityDeleted" if item["state"] == "deleted":
                    self.rows[item["kind"], subject] = (item["kind"], subject, "deleted", {})
                case "EntityDeleted":
                    self.rows.pop((item["kind"], subject), None)
                case "Unlinked":
                    self.rows.pop((item["relationship"], subject), None)
                case "Linked" | "Moved" | "Waiting" | "Broken" | "Conflict" | "CompletedLate":
                    name = item["relationship"]
                    self.rows[name, subject] = (name, subject, item["parent"], item["state"])

    @property
    def hash(self) -> str:
        return hash_of(self.rows.values())


def hash_of(rows: Iterable[Row]) -> str:
    """SHA-256 of rows, whatever their order."""
    lines = sorted(json.dumps(row, sort_keys=True) for row in rows)
    return sha256("\n".join(lines).encode()).hexdigest()


class FeedTarget:
    """Where the feed is, and the headers with the key to it."""

    def __init__(self, url: str, key: str) -> None:
        self.url = f"{url}/v1/feed"
        self.headers: dict[str, Any] = {"authorization": f"Bearer {key}"}

    def client(self, accept: str) -> httpx2.Client:
        return httpx2.Client(headers={**self.headers, "accept": accept}, timeout=60.0)


def durable_catch_up(target: FeedTarget) -> FeedCopy:
    """Reads what is there, again and again."""
    copy, offset = FeedCopy(), "-1"
    while not copy.ended:
        with stream(target.url, offset=offset, live=False, headers=target.headers) as found:
            copy.apply(found.read_json())
            offset = found.offset
    return copy


def durable_long_poll(target: FeedTarget) -> FeedCopy:
    """Follows in one session."""
    copy = FeedCopy()
    with stream(target.url, live="long-poll", headers=target.headers) as found:
        for batch in found.iter_json_batches():
            copy.apply(batch)
            if copy.ended:
                break
    return copy


def durable_sse(target: FeedTarget) -> FeedCopy:
    """Follows by Server-Sent Events, and connects again wherever the server has ended them."""
    copy, offset = FeedCopy(), "-1"
    while not copy.ended:
        with stream(target.url, offset=offset, live="sse", headers=target.headers) as found:
            copy.apply(item for batch in found.iter_json_batches() for item in batch)
            offset = found.offset
    return copy


def durable_resuming(target: FeedTarget) -> FeedCopy:
    """Begins a session for every batch, as a process that is restarted all the time: only its offset is kept."""
    copy, offset = FeedCopy(), "-1"
    while not copy.ended:
        query: dict[str, Any] = {"limit": "7"}
        with stream(target.url, offset=offset, live="long-poll", headers=target.headers, params=query) as found:
            copy.apply(next(found.iter_json_batches(), []))
            offset = found.offset
    return copy


def http_feeds(target: FeedTarget) -> FeedCopy:
    """The loop of the text of HTTP Feeds, long polling."""
    copy, last = FeedCopy(), ""
    with target.client("application/cloudevents-batch+json") as http:
        while not copy.ended:
            query = {"timeout": "5000", **({"lastEventId": last} if last else {})}
            answer = http.get(target.url, params=query).raise_for_status()
            assert answer.headers["content-type"] == "application/cloudevents-batch+json"
            for event in answer.json():
                assert event["specversion"] == "1.0"
                assert event["time"].endswith("Z")
                if event.get("method") == "DELETE":
                    assert "data" not in event
                copy.apply([event])
                last = event["id"]
    return copy


def event_source(target: FeedTarget) -> FeedCopy:
    """Server-Sent Events as browsers read them: a reconnection names the last id, to the same URL as before."""
    copy, last = FeedCopy(), ""
    with target.client("text/event-stream") as http:
        while not copy.ended:
            headers = {"last-event-id": last} if last else {}
            with http.stream("GET", target.url, headers=headers) as answer:
                fields: dict[str, str] = {}
                for line in answer.raise_for_status().iter_lines():
                    if not line:
                        last = fields.get("id", last)
                        if fields.get("event") == "data":
                            copy.apply(json.loads(fields["data"]))
                            if copy.ended or len(copy.offsets) % 5 == 0:  # drops the connection now and then
                                break
                        fields = {}
                    else:
                        name, _, value = line.partition(": ")
                        fields[name] = value
    return copy


def lines(target: FeedTarget) -> FeedCopy:
    """One endless answer, a line for each item."""
    copy = FeedCopy()
    with (
        target.client("application/x-ndjson") as http,
        http.stream("GET", target.url, params={"live": "stream"}) as answer,
    ):
        for line in answer.raise_for_status().iter_lines():
            item = json.loads(line)
            if not item["type"].startswith("feed-"):
                copy.apply([item])
            if copy.ended:
                break
    return copy


READERS: dict[str, Callable[[FeedTarget], FeedCopy]] = {
    reader.__name__: reader
    for reader in (
        durable_catch_up,
        durable_long_poll,
        durable_sse,
        durable_resuming,
        http_feeds,
        event_source,
        lines,
    )
}
