"""Facts of older versions are folded as what their owners would publish now, also where that is declared later."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.catalog import Catalog
from catalog.registry import Reading
from catalog.upcasting import Upcaster
from errors import BadDeclaration, Unavailable
from store.db import readiness
from store.db.pool import Pool
from store.migrate import migrate, reread_sentence
from store.write import reread
from store.write.redeclared import Refolded
from tests.support.events import Event, event
from tests.support.tenants import CATALOG, StoreTenant, cut_into_batches, expected_lines, in_a_database

_TENANTS = count(1)
BORN = "date_of_birth"


def reading(catalog: Catalog, upcasters: dict[tuple[str, str], Callable[[dict[str, Any]], dict[str, Any]]]) -> Catalog:
    """Returns a catalog in which these upcasters are declared, and no others."""
    by_type = catalog.contracts.by_type
    declared = {
        (old, new): Upcaster(by_type[old].model, by_type[new].model, function)
        for (old, new), function in upcasters.items()
    }
    readings = {old: Reading(by_type[new], (step,)) for (old, new), step in declared.items()}
    return Catalog(replace(catalog.contracts, upcasters=declared, readings=readings), catalog.relationships)


UNREAD = reading(CATALOG, {})
"""The release before: both versions are declared, and each is read as it is."""


def user(fact: str, key: str, sequence: int, version: int, **data: Any) -> Event:
    built = event(f"User{fact}", key, sequence, id=f"{key}/{fact}/{sequence}/{version}/{sorted(data)}", **data)
    return {**built, "type": f"User{fact}.v{version}"}


def as_published_now(fact: Event) -> Event:
    """Returns the fact that the owner's newest release publishes of the same change."""
    data = {(BORN if name == "birthday" else name): value for name, value in fact["data"].items()}
    return fact if "Deleted" in fact["type"] else {**fact, "type": fact["type"].replace(".v1", ".v2"), "data": data}


ANN = {"name": "Ann", "email": "ann@example.org"}
LIVES = [
    user("Created", "a", 1, 1, **ANN, birthday="2000-01-31"),
    user("Changed", "a", 3, 2, language="de"),
    user("Changed", "a", 4, 1, birthday="2000-02-01"),
    user("Created", "b", 1, 2, **ANN, date_of_birth="1999-01-01"),
    user("Deleted", "c", 2, 1),
]

texts = st.sampled_from(["x", "y", None])
older = st.fixed_dictionaries({}, optional={"name": st.sampled_from("xy"), "phone": texts, "birthday": texts})
newer = st.fixed_dictionaries(
    {}, optional={"name": st.sampled_from("xy"), "phone": texts, BORN: texts, "language": texts}
)
keys, sequences = st.sampled_from("ab"), st.integers(1, 6)
facts_of_users = st.one_of(
    st.builds(lambda key, n, data: user("Created", key, n, 1, **{**ANN, **data}), keys, sequences, older),
    st.builds(lambda key, n, data: user("Created", key, n, 2, **{**ANN, **data}), keys, sequences, newer),
    st.builds(lambda key, n, data: user("Changed", key, n, 1, **data), keys, sequences, older),
    st.builds(lambda key, n, data: user("Changed", key, n, 2, **data), keys, sequences, newer),
    st.builds(lambda key, n: user("Deleted", key, n, 1), keys, sequences),
)
histories = st.lists(facts_of_users, max_size=12, unique_by=lambda fact: fact["id"])


@in_a_database
@given(histories, st.integers(0, 2**32))
async def test_upcast_facts_fold_as_if_published_now(pool: Pool, events: list[Event], seed: int) -> None:
    tenant = StoreTenant(pool, CATALOG, f"now{next(_TENANTS)}")
    await tenant.record_batches(cut_into_batches(Random(seed), events))
    assert await tenant.lines() == expected_lines(UNREAD, [as_published_now(fact) for fact in events])
    await tenant.assert_holds(events)


@in_a_database
@given(histories, st.integers(0, 2**32), st.booleans())
async def test_facts_are_folded_again_by_an_upcaster_declared_later(
    pool: Pool, events: list[Event], seed: int, taken_back: bool
) -> None:
    before, after = (CATALOG, UNREAD) if taken_back else (UNREAD, CATALOG)
    random = Random(seed)
    some = random.randint(0, len(events))
    await migrate(pool, before)
    tenant = StoreTenant(pool, before, f"later{next(_TENANTS)}")
    await tenant.record_batches(cut_into_batches(random, events[:some]))
    await migrate(pool, after)
    now = replace(tenant, catalog=after)
    await now.record_batches(cut_into_batches(random, events[some:]))
    await now.assert_holds(events)
    # So that no other example folds this tenant again.
    await pool.execute("delete from tenant_revisions where tenant = $1", tenant.name)


async def test_older_release_replaces_no_field_that_it_does_not_know(tenant: StoreTenant) -> None:
    await tenant.record(*LIVES)
    assert (
        b'entity|user|a|live|{"date_of_birth":"2000-02-01","email":"ann@example.org","language":"de","name":"Ann"}'
        in (await tenant.lines())
    )


async def test_ledger_keeps_what_was_published(tenant: StoreTenant) -> None:
    await tenant.record(LIVES[0])
    (row,) = await tenant.pool.fetch("select type, data, published from facts where tenant = $1", tenant.name)
    assert dict(row) == {"type": "UserCreated.v1", "data": LIVES[0]["data"], "published": None}


async def test_repeat_of_an_older_version_is_a_duplicate(tenant: StoreTenant) -> None:
    await tenant.record(*LIVES)
    assert (await tenant.record(*LIVES)).duplicates == len(LIVES)
    other = await tenant.record({**LIVES[0], "data": {**ANN, "birthday": "1999-12-31"}})
    assert "differs in data.birthday" in other.refused[0]


async def recorded(pool: Pool, before: Catalog, events: list[Event]) -> StoreTenant:
    await migrate(pool, before)
    tenant = StoreTenant(pool, before, f"reread{next(_TENANTS)}")
    await tenant.record(*events)
    return tenant


async def test_migration_reports_what_an_upcaster_changes(pool: Pool) -> None:
    tenant = await recorded(pool, UNREAD, LIVES)
    done = await migrate(pool, CATALOG)
    assert done.reread == [Refolded(tenant.name, 1, [("user", "a")])]
    assert "1 entities were folded again, of which 1 have changed: user a" in reread_sentence(done.reread[0])
    assert (await migrate(pool, CATALOG)).reread == []
    await replace(tenant, catalog=CATALOG).assert_holds(LIVES)


async def test_process_that_reads_facts_otherwise_is_refused(pool: Pool) -> None:
    former = await recorded(pool, UNREAD, LIVES[:1])
    now = replace(former, catalog=CATALOG)
    assert "run `tether migrate`" in await readiness.check(pool, CATALOG)
    with pytest.raises(Unavailable, match=r"upcast UserChanged.v1, upcast UserCreated.v1\). Run `tether migrate`"):
        await now.record(LIVES[1])
    await migrate(pool, CATALOG)
    assert await readiness.check(pool, CATALOG) == "ok"
    with pytest.raises(Unavailable, match="end this process"):
        await former.record(LIVES[1])


async def test_another_upcaster_is_noticed_and_folded(pool: Pool) -> None:
    tenant = await recorded(pool, CATALOG, LIVES)
    other = reading(
        CATALOG, {("UserCreated.v1", "UserCreated.v2"): lambda data: {**data, "name": data["name"].upper()}}
    )
    (done,) = (await migrate(pool, other)).reread
    assert done.changed == [("user", "a")]
    await replace(tenant, catalog=other).assert_holds(LIVES)


async def test_upcaster_that_cannot_read_the_ledger_changes_nothing(pool: Pool) -> None:
    tenant = await recorded(pool, UNREAD, LIVES)
    lines = await tenant.lines()
    raising = reading(CATALOG, {("UserChanged.v1", "UserChanged.v2"): lambda data: {"name": data["name"]}})
    with pytest.raises(
        BadDeclaration, match=r"UserChanged.v1 cannot be read .* KeyError: 'name'.* Nothing was changed"
    ):
        await migrate(pool, raising)
    assert await tenant.lines() == lines
    await tenant.record(user("Changed", "b", 2, 1, name="Bob"))


async def test_interrupted_reading_is_completed_by_the_next(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [user("Created", key, 1, 1, **ANN, birthday="2000-01-31") for key in "abc"]
    tenant = await recorded(pool, UNREAD, events)
    monkeypatch.setattr(reread, "_PAGE", 1)
    fold_page, pages = reread._fold_page, count(1)

    async def interrupted(*args: object) -> None:
        await fold_page(*args)  # type: ignore[arg-type]
        if next(pages) == 2:
            raise RuntimeError("interrupted")

    monkeypatch.setattr(reread, "_fold_page", interrupted)
    with pytest.raises(RuntimeError, match="interrupted"):
        await migrate(pool, CATALOG)
    (done,) = (await migrate(pool, CATALOG)).reread
    assert done.changed == [("user", "b"), ("user", "c")]
    await replace(tenant, catalog=CATALOG).assert_holds(events)


async def test_facts_of_the_former_release_during_the_reading_are_read_too(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = await recorded(pool, UNREAD, LIVES[:1])
    each_page, late = reread._each_page, [LIVES[2]]

    async def fold_and_write(*args: object, **options: object) -> None:
        await each_page(*args, **options)  # type: ignore[arg-type]
        if late and options == {}:
            await former.record(late.pop())

    monkeypatch.setattr(reread, "_each_page", fold_and_write)
    await migrate(pool, CATALOG)
    await replace(former, catalog=CATALOG).assert_holds([LIVES[0], LIVES[2]])
