"""A consumer's copy: the rows that follow from a snapshot's lines and the feed's items, by the documentation alone."""

from typing import Any

import orjson

from tether.audits import Bucket, total


class FollowedCopy:
    """Rows of one relationship or kind, by key. Items of both forms have the body of a feed's item in ``data``."""

    def __init__(self) -> None:
        self.links: dict[str, tuple[str, str]] = {}
        self.data: dict[str, Any] = {}
        self.survivors: dict[str, str] = {}
        self.start: dict[str, Any] = {}
        self.end: dict[str, Any] = {}
        self.ids: list[str] = []

    def take(self, lines: bytes) -> None:
        """Applies lines of a snapshot, each whole."""
        for line in lines.splitlines():
            event = orjson.loads(line)
            match event["type"]:
                case "snapshot-start":
                    assert self.start in ({}, event["data"])
                    self.start = event["data"]
                case "snapshot-end":
                    self.end = event["data"]
                case _:
                    self.ids.append(event["id"])
                    self.apply(event["data"])

    def apply(self, body: dict[str, Any]) -> None:
        """Applies one change."""
        match body["change"]:
            case "link" if body["state"] == "closed":
                assert self.links.pop(body["child"])[0] == body["parent"]
            case "link":
                self.links[body["child"]] = body["parent"], body["state"]
            case "entity":
                self.data.pop(body["key"], None)
                if body["state"] == "live":
                    self.data[body["key"]] = body["data"]
                self._name(body["key"], body.get("replaced_by"))
            case "merged" | "unmerged":
                self._name(body["key"], body.get("survivor"))

    def _name(self, key: str, survivor: str | None) -> None:
        self.survivors.pop(key, None)
        if survivor is not None:
            self.survivors[key] = survivor

    @property
    def rows(self) -> list[list[Any]]:
        """The rows as audits define them."""
        found: list[list[Any]] = [[child, *link] for child, link in self.links.items()]
        for key in self.data.keys() | self.survivors.keys():
            survivor = self.survivors.get(key)
            found.append([key, self.data.get(key), *([] if survivor is None else [survivor])])
        return sorted(found, key=lambda row: row[0])

    @property
    def bucket(self) -> Bucket:
        """What an audit must answer for all keys."""
        return total(self.rows)
