"""Trees of folders, and what their owner did with them, by its own table: an oracle that shares no code with Tether."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

Folders = dict[str, str | None]
"""Folder → the one that it is in, or None."""
At = tuple[str, str]
"""(kind, key)."""

CASCADES = {"parent": ("folder_folder", "folder"), "share": ("share_folder", "share"), "of": ("folder_share", "folder")}
"""Field of a folder or a share → the relationship by which it is deleted, and the kind of its parent."""


def grown(random: Random, folders: int, levels: int) -> Folders:
    """Returns a tree with the root f0 and exactly so many levels; f1, f2, … are below each other."""
    tree: Folders = {f"f{level}": f"f{level - 1}" if level else None for level in range(levels)}
    level_of = {f"f{level}": level for level in range(levels)}
    for n in range(levels, folders):
        parent = random.choice([key for key, level in level_of.items() if level < levels - 1])
        tree[f"f{n}"], level_of[f"f{n}"] = parent, level_of[parent] + 1
    return tree


@dataclass
class History:
    """What the owner did, in its order.

    ``live``: the entities that are live at the end, with their fields. ``dead``: those
    that are deleted. ``deleted_by_request``: how many deletions Tether requested; ``unjustified``: those of them whose
    parents were all live, or that had none.
    """

    live: dict[At, dict[str, str | None]] = field(default_factory=dict)
    dead: set[At] = field(default_factory=set)
    deleted_by_request: int = 0
    unjustified: list[At] = field(default_factory=list)

    def add(self, event: dict[str, Any]) -> None:
        """Adds the next fact of the owner."""
        name = event["type"].removesuffix(".v1")
        kind = next(kind for kind in ("folder", "share", "hold") if name.startswith(kind.title()))
        at = kind, event["subject"]
        if name.endswith(("Created", "Placed")):
            self.live[at] = event["data"]
            self.dead.discard(at)
        elif name.endswith("Moved"):
            self.live[at] = {**self.live[at], **event["data"]}
        else:
            if event.get("correlationid", "").startswith("tether2."):
                self.deleted_by_request += 1
                if not self._dead_parents(at):
                    self.unjustified.append(at)
            del self.live[at]
            self.dead.add(at)

    def below_deleted(self) -> list[At]:
        """Returns the live folders and shares with a parent that is deleted."""
        return [at for at in self.live if at[0] != "hold" and self._dead_parents(at)]

    def below(self, kind: str, key: str) -> set[tuple[str, At]]:
        """Returns (relationship, child) of all that is to be deleted with an entity, which is none of them itself."""
        links = [
            (CASCADES[name][0], at, (CASCADES[name][1], parent))
            for at, fields in self.live.items()
            if at[0] != "hold"
            for name, parent in fields.items()
            if parent is not None
        ]
        found: set[tuple[str, At]] = set()
        reached, size = {(kind, key)}, 0
        while len(reached) > size:
            size = len(reached)
            found |= {(name, at) for name, at, parent in links if parent in reached and at != (kind, key)}
            reached |= {at for _, at in found}
        return found

    def folders_below(self, key: str) -> set[str]:
        """Returns the folders that are to be deleted with a folder."""
        return {key for _, (kind, key) in self.below("folder", key) if kind == "folder"}

    def _dead_parents(self, at: At) -> list[At]:
        parents = [(CASCADES[n][1], key) for n, key in self.live[at].items() if at[0] != "hold" and key is not None]
        return [parent for parent in parents if parent in self.dead]


def count_facts(database: Path) -> int:
    """Returns how many facts an owner has stored in its database."""
    with closing(_opened(database)) as conn:
        (count,) = conn.execute("SELECT count(*) FROM outbox").fetchone()
    return int(count)


def history(database: Path) -> History:
    """Reads the history of an owner from its database, which holds all its facts in the order of their effects."""
    found = History()
    with closing(_opened(database)) as conn:
        for (event,) in conn.execute("SELECT event FROM outbox ORDER BY position"):
            found.add(json.loads(event))
    return found


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database}?mode=ro", uri=True)
