"""A cascade whose parked children are put back while another step of it is being taken."""

import pytest

from messages.child_reasons import ParkReason
from store.operations import cascades, children, operations
from store.operations.children import ChildOutcome
from tests.support.ended_life_play import Play
from tests.support.tenants import StoreTenant


async def test_child_that_is_put_back_before_the_lock_is_skipped_and_counted(
    tenant: StoreTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(tenant, 60)
    await play.begin(at_once=False)
    await play.look()
    for _ in range(2):  # pages of five
        await play.read()
        row = await play.operation()
        assert row is not None
        assert play.page is not None
        parked = [
            ChildOutcome(
                candidate.child.key, "e", "parked", candidate.reference, park_reason=ParkReason("attempts_exhausted")
            )
            for candidate in play.page.candidates
        ]
        await children.store_outcomes(tenant.pool, tenant.name, row.id, "event_team", parked)
    await play.look()
    assert len(parked) == 3
    await play.recreate()
    process = cascades._process_many

    async def redriven_meanwhile(*arguments: object) -> object:
        processed = await process(*arguments)  # type: ignore[arg-type]
        found = await play.operation()
        if found is not None and found.state == "incomplete":
            await operations.redrive(tenant.pool, tenant.name, found.id)
        return processed

    monkeypatch.setattr(cascades, "_process_many", redriven_meanwhile)
    await play.look()
    found = await play.operation()
    assert found is not None
    assert (found.state, found.found, found.skipped, found.parked) == ("done", 8, 8, 0)
