"""The last part of the scenario: facts and requests whose intents are not dispatched any more, and API keys."""

from datetime import timedelta

from contracts.correlation import encode
from store import credentials, operations
from store.plans import Wish
from store.pool import connection
from store.quarantine import Rejected
from tests.takeover import rows
from tests.takeover.environment import MAIN, SOUTH, Environment, fact
from tests.workflows.house import until

ADMIN_OF_MAIN = "test-key-of-an-administrator-of-main"
READER_OF_SOUTH = "test-key-of-a-reader-of-south"
REVOKED = "test-key-that-was-revoked"


async def play(environment: Environment) -> None:
    """To be called while neither the worker nor the dispatcher runs."""
    await _waits(environment)
    await _facts(environment)
    await _requests(environment)
    await _keys(environment)


async def _waits(environment: Environment) -> None:
    """Waits without a workflow, one of them overdue and not announced; a fact in quarantine. Of both tenants."""
    for tenant in environment.tenants:
        for item, category in (("lamp", "lights"), ("plough", "barn"), ("wine", "cellar")):
            await tenant.tell(fact("items", "ItemAdded", item, 1, name=item.title(), category=category))
        await rows.backdate_wait(tenant, "category_item", "cellar", timedelta(hours=25))
        rejected = Rejected("/items", "1", "ItemEaten.v1", "unknown type: no contract declares ItemEaten.v1", b"{}")
        await tenant.recorder.record(tenant.tenant, [], [rejected], actor="test")


async def _facts(environment: Environment) -> None:
    """A group without a channel, a team of an event whose cascade is complete, and a link that is not announced."""
    await environment.do("groups", "POST", "/groups", id="latest", name="Latest")
    await environment.known("group", ["latest"])
    await environment.teams("spring", "s9")
    correlation = encode("group_channel", "rowing")
    await environment.south.tell(
        fact("groups", "GroupCreated", "rowing", 1, name="Rowing of south"),
        fact("channels", "ChannelCreated", "channel-of-rowing", 1, name="Rowing", correlation=correlation),
    )


async def _requests(environment: Environment) -> None:
    """A deletion, a move, an explicit link, a cancellation; and a plan that is to be executed, one of whose teams has
    left the event and come back since."""
    main = environment.main
    await environment.ask_delete("expo")
    await environment.ask_move("m4", "cup", "move-m4")
    await main.link("category_item", "kitchen", "rug", key="link-rug")
    await operations.cancel(main.pool, MAIN, await rows.operation_of(main, "move", "event_team", "m6"))
    await environment.execute(Wish("move", relationship="event_team", parent="tour", to="cup"))
    for event in ("home", "tour"):
        await environment.do("teams", "POST", "/teams/r2/moves", event_id=event)

    async def came_back() -> bool:
        return len(await environment.spans("r2")) == 3

    await until(came_back)


async def _keys(environment: Environment) -> None:
    pool = environment.main.pool
    async with connection(pool) as conn:
        await credentials.create(conn, MAIN, "admin", "admin", ADMIN_OF_MAIN)
        await credentials.create(conn, MAIN, "teams", "publish:teams", REVOKED)
        await credentials.create(conn, SOUTH, "read", "read", READER_OF_SOUTH)
    await credentials.revoke(pool, MAIN, "teams")
