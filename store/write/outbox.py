"""Intents: the outbox towards Temporal, written in the transaction of what they tell of."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from catalog.vocabulary import Effect
from facts.correlation import decode_operation
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import sql
from store.write.diff import Changes


class Outbox(NamedTuple):
    """That of one transaction, under its revision."""

    conn: Connection
    catalog: Catalog
    tenant: str
    revision: int
    now: datetime

    async def tell(self, told: dict[tuple[Relationship, str], Entry]) -> None:
        """The workflows of instances, where they always have one or one was started to wait."""
        await self.conn.execute(
            sql("notify_relationships"),
            *self._head(),
            [r.name for r, _ in told],
            [p for _, p in told],
            *_facts(told.values()),
            [r.always for r, _ in told],
        )

    async def tell_operations(self, result: Changes) -> None:
        """The workflows of operations that wait for an entity, or for the link of a child."""
        causes = {(o.relationship.child, o.child): o.cause for o in result.opened}
        causes |= {(t.register.kind, t.register.key): t.cause for t in (*result.turned, *result.renewed)}
        rels = self.catalog.relationships.values()
        if causes:
            await self.conn.execute(
                sql("notify_operations"),
                *self._head(),
                [kind for kind, _ in causes],
                [key for _, key in causes],
                *_facts(causes.values()),
                [r.name for r in rels],
                [r.parent for r in rels],
                [r.child for r in rels],
            )

    async def tell_led(self, result: Changes) -> None:
        """Instances that need what another relationship leads to: where a child came there, or its parent did."""
        leading = self.catalog.leading
        came = {(o.relationship, o.parent): o.cause for o in result.opened if o.relationship.name in leading}
        for turned in result.turned:
            for relationship in self.catalog.by_parent.get(turned.register.kind, ()):
                if relationship.name in leading and turned.register.state == "live":
                    came[relationship, turned.register.key] = turned.cause
        led = [(to.name, up, parent, cause) for (r, parent), cause in came.items() for to, up in leading[r.name]]
        if led:
            names, ups, parents, causes = zip(*led, strict=True)
            await self.conn.execute(
                sql("notify_waiting_for_path"), *self._head(), list(names), list(ups), list(parents), *_facts(causes)
            )

    async def tell_cascades(self, result: Changes, gone: set[tuple[str, str]]) -> None:
        """Cascades of tombstones that have children, of those that lost some and may have no more, and of what is there
        anew."""
        sweeping = self.catalog.sweeping
        causes = {
            at: (c.cause, "left") for c in result.closed if (at := (c.relationship.parent, c.parent)) in gone
        }  # fmt: skip
        causes |= {
            at: (o.cause, "came") for o in result.opened if (at := (o.relationship.parent, o.parent)) in gone
        }  # fmt: skip
        for turned in (*result.turned, *result.renewed):
            if turned.register.state == "deleted":
                causes[turned.register.kind, turned.register.key] = turned.cause, "came"
            elif turned.register.state == "live" and turned.register.ended:
                causes[turned.register.kind, turned.register.key] = turned.cause, "anew"
        wanted = {at: cause for at, cause in causes.items() if at[0] in sweeping}
        if wanted:
            rels = [(r.parent, r.name) for found in sweeping.values() for r in found]
            await self.conn.execute(
                sql("notify_cascades"),
                *self._head(),
                [kind for kind, _ in wanted],
                [key for _, key in wanted],
                *_facts([cause for cause, _ in wanted.values()]),
                [what for _, what in wanted.values()],
                [kind for kind, _ in rels],
                [name for _, name in rels],
            )

    def _head(self) -> tuple[str, int, datetime]:
        return self.tenant, self.revision, self.now


async def answers(
    conn: Connection, catalog: Catalog, tenant: str, revision: int, now: datetime, entries: Sequence[Entry]
) -> None:
    """Tells operations of the facts that came of what they asked for, whether those change anything or not.

    A move is answered by a fact of the child that says where it belongs, a deletion by the end of the entity: a
    correlation id alone may be copied by anybody.
    """
    found: list[tuple[str, str, str, Entry]] = []
    for entry in entries:
        id = decode_operation(entry.correlation)
        if id is not None and entry.effect is Effect.DELETED:
            found.append((id, "cascade", entry.kind, entry))
        elif id is not None:
            moved = [r.name for r in catalog.by_child.get(entry.kind, ()) if r.field in entry.data]
            found += [(id, "move", name, entry) for name in moved]
    if found:
        ids, workflows, abouts, told = (list(column) for column in zip(*found, strict=True))
        keys = [e.key for e in told]
        await conn.execute(
            sql("confirm_operations"), tenant, revision, now, ids, workflows, abouts, keys, *_facts(told)
        )


def _facts(causes: Iterable[Entry]) -> tuple[list[str], list[str], list[str]]:
    facts = list(causes)
    return [e.source for e in facts], [e.id for e in facts], [e.name for e in facts]
