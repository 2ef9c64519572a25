"""Writes the lines of a snapshot: NDJSON of CloudEvents in the form of the feed's items.

A line's ``id`` is the snapshot's id, a slash and the key of its row: the cursor that goes on after it. Its ``time`` and
``token`` are those of the snapshot's revision, whenever the row changed.
"""

from datetime import datetime
from typing import Any

import orjson

from catalog.registry import OWN_SOURCE
from facts import tokens
from facts.envelope import in_utc
from store.read import feed_events, feed_offsets
from store.read.feed_offsets import FeedPosition
from store.read.snapshot_rows import EntityRow, EntityRows, LinkRows, SnapshotRows
from tether.audits import Bucket

START, END = "snapshot-start", "snapshot-end"


def offset_after(tenant: str, revision: int) -> str:
    """Where the feed goes on after a snapshot at a revision."""
    return feed_offsets.encode(tenant, FeedPosition(revision + 1))


class SnapshotLines:
    """The lines of one snapshot, each ended by a line feed."""

    def __init__(self, tenant: str, id: str, revision: int, time: datetime | None) -> None:
        """``time``: of the revision; None: nothing was ever written."""
        self._tenant = tenant
        self._id = id
        self._revision = revision
        always = {"time": in_utc(time), "token": tokens.token(tenant, revision)}
        self._always = {name: value for name, value in always.items() if value is not None}

    def start(self, rows: SnapshotRows, total: int) -> bytes:
        """The first line: what the snapshot holds, of a replica also its declaration, and the offset after which the
        feed goes on."""
        replica = rows.replica if isinstance(rows, EntityRows) else None
        data = {
            "id": self._id,
            **rows.filter,
            **({} if replica is None else {"declaration": replica.declaration}),
            "token": self._always["token"],
            "offset": offset_after(self._tenant, self._revision),
            "total": total,
        }
        return self._line(self._id, {"type": START, "data": data})

    def end(self, whole: Bucket) -> bytes:
        """The last line: the number of all rows, and the sum of their hashes, as an audit has it."""
        data = {"id": self._id, "count": whole.rows, "checksum": f"{whole.sum:016x}"}
        return self._line(self._id, {"type": END, "data": data})

    def entity(self, kind: str, row: EntityRow) -> bytes:
        """The line of a live entity, or of a key that is merged without a live record of its own."""
        body: dict[str, Any] = {"change": "entity", "kind": kind, "key": row.key, "state": "live", "data": row.data}
        shown = {"type": feed_events.CHANGED, "subject": row.key, "kind": kind, "state": "live", "data": body}
        if row.data is None:
            body = {"change": "merged", "kind": kind, "key": row.key, "survivor": row.survivor}
            shown = {"type": "Merged", "subject": row.key, "kind": kind, "data": body}
        elif row.survivor is not None:
            body["replaced_by"] = row.survivor
        return self._line(f"{self._id}/{row.key}", shown)

    def link_texts(self, rows: LinkRows) -> dict[str, str]:
        """The texts of a link's line that are the same for all links, by the names of the query's parameters."""
        name = orjson.dumps(rows.relationship.name).decode()
        id = orjson.dumps({"specversion": "1.0", "id": f"{self._id}/"}).decode()
        same = orjson.dumps({"source": OWN_SOURCE, **self._always}, option=orjson.OPT_UTC_Z).decode()
        return {
            "before_key": id.removesuffix('"}'),
            "before_type": f',{same[1:-1]},"relationship":{name},"type":"',
            "before_subject": '","subject":',
            "before_child": f',"data":{{"change":"link","relationship":{name},"child":',
        }

    def _line(self, id: str, event: dict[str, Any]) -> bytes:
        found = {"specversion": "1.0", "id": id, "source": OWN_SOURCE, **event, **self._always}
        return orjson.dumps(found, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
