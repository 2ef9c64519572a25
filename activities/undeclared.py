"""What cannot be looked at, because nobody declares it any more."""

from datetime import timedelta

from store import operations, undeclared
from store.operations import Row
from store.pool import Pool
from workflows.tasks import Look, Standing

PAUSE = timedelta(minutes=1)
"""Until it is looked again whether it is declared."""
_BEGINS = "not declared any more: "


async def hold(pool: Pool, look: Look, lacking: str) -> Standing:
    """What is under way waits; nothing is, if all of it was stopped or has expired."""
    at = look.subject
    reason = f"{_BEGINS}{lacking}; declare it again, or cancel this operation"
    row, newer = await undeclared.hold(pool, at.tenant, at.workflow, at.about, at.key, reason, look.now)
    if row is None:
        return Standing(newer=newer)
    due = look.now + PAUSE
    return Standing(operation=row["id"], kind=row["kind"], awaited="its declaration", due=due, reason=reason)


async def reason(pool: Pool, tenant: str, row: Row) -> str:
    """Why an operation is stuck that is declared: not because it is not."""
    said: str = row["reason"]
    if not said.startswith(_BEGINS):
        return said
    await operations.note(pool, tenant, row["id"], "", about=_BEGINS)
    return ""
