"""The state that is compared: that of both tenants and of all owners."""

import difflib
from collections.abc import Iterable

import orjson

from tests.takeover import rows
from tests.takeover.environment import OWNERS, Environment
from tests.takeover.rows import State


async def read(environment: Environment) -> State:
    """The state now."""
    return {
        "tenants": {tenant.tenant: await rows.of_tenant(tenant) for tenant in environment.tenants},
        "owners": {name: rows.of_owner(environment.folder / f"{name}.db") for name in OWNERS},
        "intents that were not dispatched": await rows.not_dispatched(environment.main.pool),
    }


def text(state: State) -> str:
    """The state as JSON, one value per line."""
    return orjson.dumps(state, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


def difference(expected: State, found: State) -> str:
    """A unified diff of two states; empty if they are equal."""
    before, after = text(expected).splitlines(), text(found).splitlines()
    lines: Iterable[str] = difflib.unified_diff(before, after, "expected", "found", n=6, lineterm="")
    return "\n".join(lines)
