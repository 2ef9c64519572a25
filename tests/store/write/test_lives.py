"""The name of a life: made when it begins, and not moved by what is older and arrives late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.events import Event, event
from tests.support.tenants import StoreTenant, in_a_database


def created(sequence: int) -> Event:
    return event("GroupCreated", "g", sequence, name="g")


def renamed(sequence: int) -> Event:
    return event("GroupRenamed", "g", sequence, name=f"g{sequence}")


def deleted(sequence: int) -> Event:
    return event("GroupDeleted", "g", sequence)


async def names(tenant: StoreTenant, *batches: list[Event]) -> list[str]:
    """Records batch after batch; returns the name of the group's life after each."""
    found = []
    for batch in batches:
        await tenant.record(*batch)
        found.append((await tenant.incarnations())["group", "g"])
    return found


async def test_older_deletion_that_arrives_late_does_not_rename_a_life(tenant: StoreTenant) -> None:
    first, after = await names(tenant, [created(5)], [deleted(3)])
    assert first == after == "first"


@in_a_database
@given(late=st.lists(st.tuples(st.sampled_from([created, renamed, deleted]), st.integers(1, 4)), unique=True))
async def test_nothing_older_than_its_creation_renames_a_life(
    tenant: StoreTenant, late: list[tuple[object, int]]
) -> None:
    facts = [[make(sequence)] for make, sequence in late]  # type: ignore[operator]
    assert set(await names(tenant.other_tenant(), [created(5)], *facts)) == {"first"}
    both = await names(tenant.other_tenant(), [deleted(0)], [created(5)], *facts)
    assert len(set(both)) == 1 + (both[0] != both[1])


async def test_new_life_has_another_name(tenant: StoreTenant) -> None:
    first, gone, second = await names(tenant, [created(1)], [deleted(2)], [created(3)])
    assert first != gone == second


async def test_life_that_was_replaced_within_one_batch_has_another_name(tenant: StoreTenant) -> None:
    first, second = await names(tenant, [created(1)], [deleted(2), created(3)])
    assert first != second


async def test_life_known_by_changes_alone_is_renamed_by_a_newer_deletion(tenant: StoreTenant) -> None:
    one = tenant.other_tenant()
    assert len(set(await names(one, [renamed(4)], [deleted(2), created(3)]))) == 1
    other = tenant.other_tenant()
    assert len(set(await names(other, [renamed(4)], [deleted(5), created(6)]))) == 2


async def test_whole_life_that_passed_while_deleted_renames_what_follows(tenant: StoreTenant) -> None:
    first, second = await names(tenant, [deleted(2)], [created(3), deleted(4)])
    assert first != second


@pytest.mark.parametrize("again", [[deleted(5)], [deleted(1)], [renamed(6)]])
async def test_repeated_deletion_does_not_rename(tenant: StoreTenant, again: list[Event]) -> None:
    first, second = await names(tenant, [deleted(2)], again)
    assert first == second
