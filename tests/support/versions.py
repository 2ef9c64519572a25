"""Computes the state at every revision from all versions in the tables, without the queries that are tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.catalog import Catalog
from store.db.pool import Pool
from tests.support.recording import TENANT

LinkKey = tuple[str, str]


@dataclass
class Versions:
    """All rows of one tenant. ``newest``: its newest revision. ``announced``: (revision, id) of Tether's own facts."""

    catalog: Catalog
    newest: int
    links: list[Any]
    entities: list[Any]
    announced: list[tuple[int, str]]

    def entity_states(self, at: int) -> dict[tuple[str, str], str]:
        """Returns (kind, key) → state of every entity at a revision."""
        valid = [e for e in self.entities if e["from_revision"] <= at < e["to_revision"]]
        found = {(e["kind"], e["key"]): e["state"] for e in valid}
        assert len(found) == len(valid), "two versions of an entity at once"
        return found

    def link_states(self, at: int) -> dict[LinkKey, tuple[str, str]]:
        """Returns (relationship, child) → (parent, state) of every link at a revision."""
        entities = self.entity_states(at)
        valid = [row for row in self.links if row["from_revision"] <= at < row["to_revision"]]
        found: dict[LinkKey, tuple[str, str]] = {}
        for row in sorted(valid, key=lambda r: (r["rank"] or b"", r["child"].encode())):
            relationship = self.catalog.relationship(row["relationship"])
            state = {"unknown": "waiting", "live": "linked", "deleted": "broken"}[
                entities[relationship.parent, row["parent"]]
            ]
            taken = {
                parent for (name, _), (parent, of) in found.items() if name == relationship.name and of != "broken"
            }
            if state == "linked" and row["of_former_incarnation"]:
                found[row["relationship"], row["child"]] = (row["parent"], "broken")
                continue
            if state == "linked" and relationship.exclusive and row["parent"] in taken:
                state = "conflict"
            assert (row["relationship"], row["child"]) not in found, "two links of a child at once"
            found[row["relationship"], row["child"]] = (row["parent"], state)
        return found

    def links_begun(self, at: int) -> set[LinkKey]:
        """Returns (relationship, child) of the links of which a version began at a revision."""
        return {(row["relationship"], row["child"]) for row in self.links if row["from_revision"] == at}

    def entities_begun(self, at: int) -> set[tuple[str, str, str]]:
        """Returns (kind, key, state) of the entities, without placeholders, of which a version began at a revision, and
        of those that are as never heard of since then."""
        known = [e for e in self.entities if e["state"] != "unknown"]
        begun = {(e["kind"], e["key"]): e["state"] for e in known if e["from_revision"] == at}
        ended = {(e["kind"], e["key"]): "unknown" for e in known if e["to_revision"] == at}
        return {(kind, key, state) for (kind, key), state in (ended | begun).items()}


async def read(pool: Pool, catalog: Catalog) -> Versions:
    """Reads all versions of the tenant."""
    async with pool.acquire() as conn:
        facts = await conn.fetch(
            "select revision, id from facts where tenant = $1 and source = '/tether' "
            "and type not in ('Linked.v1', 'Unlinked.v1') order by revision, id",
            TENANT,
        )
        return Versions(
            catalog,
            await conn.fetchval("select revision from tenant_revisions where tenant = $1", TENANT) or 0,
            await conn.fetch("select * from links where tenant = $1", TENANT),
            await conn.fetch("select * from entities where tenant = $1", TENANT),
            [(f["revision"], f["id"]) for f in facts],
        )
