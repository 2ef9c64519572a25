"""What cannot be looked at, because nobody declares it any more."""

from datetime import timedelta

from temporalio.exceptions import ApplicationError

from activities.support.failures import later
from errors import Unavailable
from messages.operations import OperationRequest, OperationStatus, OperationStep
from store.db.pool import Pool
from store.operations import operations, orphaned
from store.operations.operations import Row

PAUSE = timedelta(minutes=1)
"""Until it is looked again whether it is declared."""
_BEGINS = "not declared any more: "


async def hold(pool: Pool, look: OperationStep, lacking: str) -> OperationStatus:
    """What is under way waits; nothing is, if all of it was stopped or has expired."""
    at = look.subject
    row, newer = await orphaned.hold(pool, at.tenant, at.workflow, at.about, at.key, _words(lacking), look.now)
    if row is None:
        return OperationStatus(newer=newer)
    due = look.now + PAUSE
    return OperationStatus(
        operation=row["id"], kind=row["kind"], awaited="its declaration", due=due, reason=_words(lacking)
    )


async def put_off(pool: Pool, ask: OperationRequest, lacking: str) -> ApplicationError:
    """What to raise where an owner cannot be asked: it is tried again, by this worker or one that knows how."""
    await operations.note(pool, ask.subject.tenant, ask.operation, _words(lacking))
    return later(Unavailable(_words(lacking), retry_after=PAUSE.total_seconds()))


def _words(lacking: str) -> str:
    return f"{_BEGINS}{lacking}; declare it again, or cancel this operation"


async def reason(pool: Pool, tenant: str, row: Row) -> str:
    """Why an operation is stuck that is declared: not because it is not."""
    said: str = row["reason"]
    if not said.startswith(_BEGINS):
        return said
    await operations.note(pool, tenant, row["id"], "", about=_BEGINS)
    return ""
