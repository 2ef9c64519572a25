"""Acknowledgements: the holder of a consumer says up to which offset it has processed the feed.

One statement, which locks the consumer's row and nothing else, and opens no revision.
"""

from errors import Fenced, NotYet
from store.consumers import registrations
from store.consumers.offsets import Offset
from store.db.pool import Connection, Pool, connection
from store.db.snapshot import begin
from store.db.sql import fetch_value


async def acknowledge(pool: Pool, tenant: str, name: str, generation: int, offset: Offset) -> str:
    """Moves a consumer's position forward to an offset, and returns the position: an offset, perhaps a later one.

    Raises Unknown, Fenced if another generation holds the consumer, Expired for an offset of a time before a restore,
    NotYet for one after the newest revision.
    """
    async with connection(pool) as conn:
        position = await fetch_value(
            conn,
            "acknowledge",
            tenant=tenant,
            name=name,
            generation=generation,
            revision=offset.revision,
            position=offset.text,
        )
        return position or await _explain(conn, tenant, name, generation, offset)


async def _explain(conn: Connection, tenant: str, name: str, generation: int, offset: Offset) -> str:
    """Says why an acknowledgement has moved nothing; returns the position if it was acknowledged before."""
    found = await registrations.read(conn, tenant, name)
    if found.generation != generation:
        raise Fenced(
            f"the consumer {name!r} is held by {found.holder!r} in the generation {found.generation}, so an "
            f"acknowledgement of the generation {generation} is refused; end this process, or take the consumer over "
            f"with POST /v1/consumers/{name}/generations",
            generation=found.generation,
            holder=found.holder,
        )
    at = await begin(conn, tenant)
    at.check_epoch(offset.revision)
    if offset.revision > at.head + 1:
        raise NotYet(f"the offset {offset.text} is after the newest revision; acknowledge what the feed has given")
    return found.position
