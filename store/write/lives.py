"""The lives of one key: when a new one begins, and what it is called.

The name of a life is made once, when it begins, and stored: facts that are older than its beginning and arrive late
must not change it, since the Idempotency-Keys of requests contain it.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from facts.envelope import Entry
from facts.order_key import position
from store.write.entity_state import EntityState, FoldedEntity

FIRST = "first"
"""The name of a life before which no deletion is known."""


class LifeBefore(NamedTuple):
    """What was known of an entity before new facts were folded in. ``incarnation``: empty if no fact was."""

    state: EntityState
    latest: bytes
    created: bytes
    ended: bytes
    incarnation: str

    @classmethod
    def of(cls, entity: FoldedEntity) -> "LifeBefore":
        """What is known of an entity now."""
        return cls(entity.state, entity.latest, entity.created, entity.ended, entity.incarnation)

    def renumbered(self, facts: Iterable[Entry]) -> "LifeBefore":
        """The same with the present order keys of its facts, which ``facts`` have: a fact is found by its position."""
        orders = {position(fact.order): fact.order for fact in facts}
        latest, created, ended = (orders.get(position(o), o) for o in (self.latest, self.created, self.ended))
        return self._replace(latest=latest, created=created, ended=ended)


def name_life(before: LifeBefore, entity: FoldedEntity) -> str:
    """The name of an entity's life after facts were folded in.

    A life is named by the deletion before it, and a deleted entity by that deletion: so it has the name of the life
    that would follow.
    """
    if not before.incarnation or entity.ended < before.ended:  # a deletion was voided: it has named no life
        return named_by(entity.ended)
    return named_by(entity.ended) if _is_another(before, entity) else before.incarnation


def _is_another(before: LifeBefore, entity: FoldedEntity) -> bool:
    """Whether the life that was known has ended. An older deletion that arrives late has ended an earlier one."""
    if entity.ended == before.ended:
        return False
    if before.state == "live":
        return entity.ended > (before.created or before.latest)
    # It was deleted, and is now called what the life after that is called, unless a whole life has passed since.
    return entity.state == "deleted" and before.ended < entity.created < entity.ended


def named_by(ended: bytes) -> str:
    """The name of the life that follows a deletion, by its order key; empty: of the first life."""
    return blake2b(ended, digest_size=8).hexdigest() if ended else FIRST
