"""The state that is compared: that of both tenants and of all owners."""

import difflib
from collections.abc import Iterable

import orjson

from tests.takeover import load, rows
from tests.takeover.environment import OWNERS, Environment
from tests.takeover.rows import State


async def read(environment: Environment) -> State:
    """Reads the state now, with the keys of ``before/expected.json``."""
    tenants = {tenant.tenant: await rows.of_tenant(tenant) for tenant in environment.tenants}
    recorded = orjson.loads(load.EXPECTED.read_bytes())["tenants"]
    for (
        name,
        state,
    ) in tenants.items():  # what is hashed since, and relationships that were declared since, have no hash
        before, now = recorded[name]["fingerprint"], state["fingerprint"]
        state["fingerprint"] = {of: now[of] for of in before} | {
            "relationships": {
                relationship: now["relationships"][relationship] for relationship in before["relationships"]
            }
        }
    return {
        "tenants": tenants,
        "owners": {name: rows.of_owner(environment.folder / f"{name}.db") for name in OWNERS},
        "intents that were not dispatched": await rows.not_dispatched(environment.main.pool),  # former name
    }


def comparable(state: State) -> State:
    """The state without the Idempotency-Keys of requests that were first sent after the takeover: only their number.

    Requests that were sent before, whatever came of them, must be repeated under the same key.
    """
    sent_before = "\n".join(file.read_text("utf-8") for file in (load.DUMP, *load.OWNERS_DUMPS.glob("*.sql")))
    owners = {}
    for name, owner in state["owners"].items():
        repeated = {key: effects for key, effects in owner["effects"].items() if key in sent_before}
        new = sorted(effects for key, effects in owner["effects"].items() if key not in sent_before)
        owners[name] = {**owner, "effects": {**repeated, "new": new}}
    return {**state, "owners": owners}


def difference(expected: State, found: State) -> str:
    """A unified diff of two states; empty if they are equal."""
    lines: Iterable[str] = difflib.unified_diff(
        _lines(expected), _lines(found), "expected", "found", n=6, lineterm=""
    )  # fmt: skip
    return "\n".join(lines)


def _lines(state: State) -> list[str]:
    """The state as JSON, one value per line."""
    return orjson.dumps(state, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode().splitlines()
