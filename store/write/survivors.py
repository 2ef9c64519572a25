"""Who stands for whom before and after a difference: survivors and losers, looked up once each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from facts.envelope import Entry
from store.db.pool import Connection
from store.write.aliases import losers_of, survivors_of
from store.write.diff import Diff, EntityKey


class Survivors:
    """The survivors of keys, as they were and as they are after the aliases of a difference have begun and ended."""

    def __init__(self, conn: Connection, tenant: str, diff: Diff, merging: Collection[str]) -> None:
        """``diff``: its aliases are added to by the caller before the first look-up; ``merging``: kinds with merges."""
        self._conn = conn
        self._tenant = tenant
        self._diff = diff
        self._merging = merging
        self._now: dict[EntityKey, str] = {}
        self._before: dict[EntityKey, str] = {}
        self._losers: dict[EntityKey, list[str]] = {}

    def set(self, at: EntityKey, before: str, now: str) -> None:
        """Sets the survivors of a key whose cluster may have changed."""
        self._before[at], self._now[at] = before, now

    def set_members(self, kind: str, keys: Iterable[str]) -> None:
        """Makes these keys all members of their clusters, after their survivors were set."""
        losers: dict[str, list[str]] = {key: [] for key in keys}
        for key in losers:
            survivor = self._now[kind, key]
            if survivor != key:
                losers[survivor].append(key)
        for key, merged in losers.items():
            self._losers[kind, key] = sorted(merged, key=str.encode) if len(merged) > 1 else merged

    def now(self, kind: str, key: str) -> str:
        """The survivor of a key that was looked up, after the difference; the key itself if it is not merged."""
        return self._now.get((kind, key), key)

    def before(self, kind: str, key: str) -> str:
        """The survivor of a key that was looked up, before the difference."""
        return self._before.get((kind, key), key)

    def losers(self, kind: str, key: str) -> list[str]:
        """The keys that are merged into one whose losers were looked up, after the difference, by their bytes."""
        return self._losers.get((kind, key), [])

    async def look_up(self, entities: Collection[EntityKey]) -> None:
        """Looks up the survivors of those that are not known yet."""
        wanted = {at for at in entities if at[0] in self._merging} - self._now.keys()
        found = await survivors_of(self._conn, self._tenant, wanted)
        for at in wanted:
            self._before[at] = self._now[at] = found.get(at, at[1])

    async def look_up_losers(self, survivors: Collection[EntityKey]) -> None:
        """Looks up the losers of those whose are not known yet."""
        wanted = {at for at in survivors if at[0] in self._merging} - self._losers.keys()
        found = {at: {*losers} for at, losers in (await losers_of(self._conn, self._tenant, wanted)).items()}
        for kind, key in self._diff.closed_aliases:
            found.get((kind, self.before(kind, key)), set()).discard(key)
        for kind, key, survivor in self._diff.opened_aliases:
            if (kind, survivor) in wanted:
                found.setdefault((kind, survivor), set()).add(key)
        for at in wanted:
            self._losers[at] = sorted(found.get(at, ()), key=str.encode)


class Overlaid(NamedTuple):
    """What becomes of merges. ``causes``: keys whose survivor changes, each with the fact behind it."""

    names: Survivors
    causes: dict[EntityKey, Entry]
