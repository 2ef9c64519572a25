"""Sends one batch of rows to the server, until every row of it has an outcome."""

from itertools import groupby
from typing import Any

import orjson

from cli.client import path
from cli.http_errors import error_of
from cli.imports.lines import LineBatch
from cli.imports.poster import RetryingPoster
from cli.merge_files.outcomes import ReportedRow, RowOutcomes
from cli.merge_files.rows import FileRow, RowReader
from errors import Refused

HEADERS = {"content-type": "application/json"}
BATCH = 500
"""Rows of one request."""
_OF_ROWS = (404, 409)
"""Responses that refuse rows because of their kind, and not the caller."""


class MergeSender:
    """Sends rows as merges. ``plan``: of which each merge has its id; empty: previews them."""

    def __init__(self, poster: RetryingPoster, reader: RowReader, plan: str) -> None:
        self._poster = poster
        self._reader = reader
        self._plan = plan

    async def send(self, batch: LineBatch) -> RowOutcomes:
        """Returns the outcome of every row. Raises Refused, and Unavailable if the server stays away."""
        lines = zip(batch.lines, batch.numbers, strict=True)
        rows = [row for line, number in lines if (row := self._reader.row(line, number)) is not None]
        rows += [FileRow(rejected.line, bad=rejected.reason) for rejected in batch.rejected]
        found = RowOutcomes()
        for kind, of_kind in groupby(sorted(rows, key=lambda row: row.line), lambda row: "" if row.bad else row.kind):
            group = list(of_kind)
            if not kind:
                found.rows += [ReportedRow(row, "refused", "malformed", row.bad) for row in group]
                continue
            found.rows += await self._send(kind, group, found)
        return found

    async def _send(self, kind: str, rows: list[FileRow], found: RowOutcomes) -> list[ReportedRow]:
        at = path("entities", kind, "merges", "batch") + ("" if self._plan else "/plan")
        answer = await self._poster.post(at, orjson.dumps({"merges": [self._merge(row) for row in rows]}))
        if answer.status_code in _OF_ROWS:
            reason = str(error_of(self._poster.url, answer.status_code, answer.content, None))
            return [ReportedRow(row, "refused", "kind", reason) for row in rows]
        if answer.status_code == 413 and len(rows) > 1:
            middle = len(rows) // 2
            return await self._send(kind, rows[:middle], found) + await self._send(kind, rows[middle:], found)
        content = orjson.loads(answer.content) if answer.is_success else {}
        if "refused" not in content:
            raise error_of(self._poster.url, answer.status_code, answer.content, None)
        already, refused = {*content["already"]}, {one["index"]: one for one in content["refused"]}
        if content["merged"] + len(already) + len(refused) != len(rows):
            raise Refused(f"{self._poster.url} did not report on all rows from line {rows[0].line} on.")
        found.token = content["token"]
        if content["operation"] is not None:
            found.operations.append(content["operation"])
        return [
            _refused(row, refused[index])
            if index in refused
            else ReportedRow(row, "already_merged" if index in already else "merged")
            for index, row in enumerate(rows)
        ]

    def _merge(self, row: FileRow) -> dict[str, Any]:
        merge: dict[str, Any] = {"survivor": row.survivor, "losers": row.losers, "reason": row.reason}
        return {**merge, "id": row.id(self._plan)} if self._plan else merge


def _refused(row: FileRow, one: dict[str, Any]) -> ReportedRow:
    return ReportedRow(row, "refused", one["because"], one["reason"], one["path"])
