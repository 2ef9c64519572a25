"""Keys that are spelled in several ways are one key, wherever they enter; references may be within a field."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.catalog import Catalog
from catalog.key_forms import KeyForm
from config import Limits
from errors import BadDeclaration, Unacceptable, Unavailable
from facts.envelope import read
from facts.validation import Validator
from store.db.pool import Pool
from store.migrate import migrate
from tests.support.events import Event
from tests.support.tenants import TRACKER, StoreTenant, cut_into_batches, in_a_database

BOARD = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


def event(fact: str, key: str, sequence: int = 1, **data: Any) -> Event:
    type, source = (f"com.tracker.{fact}", "/tracker") if "." in fact else (f"{fact}.v1", "/addresses")
    if fact.startswith("Board"):
        source = "/tracker"
    return {
        "specversion": "1.0", "source": source, "id": f"{fact}/{key}/{sequence}/{sorted(data.items())}", "type": type,
        "subject": key, "sequence": str(sequence), "data": data,
    }  # fmt: skip


@pytest.fixture
async def tracker(pool: Pool) -> StoreTenant:
    """A tenant with the declarations of the tracker."""
    await migrate(pool, TRACKER)
    return StoreTenant(pool, TRACKER)


async def test_spellings_of_a_key_are_one_entity(tracker: StoreTenant) -> None:
    facts = [
        event("CorrespondentAdded", "Ada@Example.com", 1, name="Ada"),
        event("CorrespondentRenamed", "ADA@example.com", 2, name="Ada L."),
        event("issues.opened", "1", reporter="aDa@example.COM"),
        event("BoardMade", BOARD.upper(), board_id=BOARD.upper(), title="b"),
        event("issues.opened", "2", board=f"{{{BOARD}}}"),
    ]
    await tracker.record(*facts)
    lines = await tracker.lines()
    assert b'entity|correspondent|ada@example.com|live|{"name":"Ada L."}' in lines
    assert b"link|correspondent_issue|1|ada@example.com|linked" in lines
    assert f"link|board_issue|2|{BOARD}|linked".encode() in lines
    await tracker.assert_holds(facts)


async def test_ledger_keeps_a_key_as_it_was_published(tracker: StoreTenant) -> None:
    await tracker.record(event("CorrespondentAdded", "Ada@Example.com"), event("CorrespondentAdded", "bob@example.com"))
    rows = await tracker.pool.fetch("select key, published from facts order by position")
    assert [tuple(row) for row in rows] == [
        ("ada@example.com", {"subject": "Ada@Example.com"}),
        ("bob@example.com", None),
    ]


async def test_merge_names_keys_in_any_spelling(tracker: StoreTenant) -> None:
    keys: dict[str, Any] = {"survivor": "Ada@example.com", "losers": ["LOVELACE@example.com"]}
    facts = [
        event("CorrespondentAdded", "Lovelace@example.com"),
        event("CorrespondentsMerged", "Ada@example.com", **keys),
        event("issues.opened", "1", reporter="lovelace@EXAMPLE.com"),
    ]
    await tracker.record(*facts)
    await tracker.assert_holds(facts)
    assert b"alias|correspondent|lovelace@example.com|ada@example.com" in await tracker.lines()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (event("BoardMade", "seven", board_id="seven"), "'seven' is no key of a board, which has the form uuid"),
        (event("issues.opened", "1", board="seven"), "'seven' is no key of a board"),
        (
            event("CorrespondentsMerged", "a", survivor="a", losers=["A"]),
            "'a' is the survivor and among the losers",
        ),
    ],
)
def test_key_without_normal_form_is_refused(bad: Event, reason: str) -> None:
    with pytest.raises(Unacceptable, match=reason):
        Validator(TRACKER, Limits()).validate(read(bad))


spelled = st.sampled_from(["ada", "Ada", "ADA", "bob", "BoB"])
places = st.none() | st.builds(lambda id: {"id": id}, st.integers(1, 3))
tracked = st.one_of(
    st.builds(lambda key, n: event("CorrespondentAdded", key, n, name=key), spelled, st.integers(1, 5)),
    st.builds(lambda key, n: event("CorrespondentRemoved", key, n), spelled, st.integers(1, 5)),
    st.builds(lambda n, who, at: event("issues.opened", "i", n, reporter=who, repository=at),
              st.integers(1, 5), st.none() | spelled, places),
    st.builds(lambda n, at: event("issues.transferred", "i", n, repository=at), st.integers(1, 5), places),
    st.builds(lambda key, n: event("repository.created", str(key), n, name=""), st.integers(1, 3), st.integers(1, 5)),
    st.builds(lambda key, n: event("repository.deleted", str(key), n), st.integers(1, 3), st.integers(1, 5)),
)  # fmt: skip


@in_a_database
@given(st.lists(tracked, max_size=12, unique_by=lambda one: one["id"]), st.integers(0, 2**32))
async def test_any_spelling_and_nested_reference_ends_as_the_model_says(
    pool: Pool, events: list[Event], seed: int
) -> None:
    await migrate(pool, TRACKER)
    tenant = StoreTenant(pool, TRACKER).other_tenant()
    await tenant.record_batches(cut_into_batches(Random(seed), events))
    await tenant.assert_holds(events)


async def test_fact_without_the_outer_field_leaves_the_reference(tracker: StoreTenant) -> None:
    facts = [
        event("issues.opened", "1", 1, repository={"id": 7}),
        event("issues.edited", "1", 2, subject="s"),
    ]
    await tracker.record(*facts)
    assert b"link|repository_issue|1|7|waiting" in await tracker.lines()
    cleared = event("issues.transferred", "1", 3, repository=None)
    await tracker.record(cleared)
    assert not [line for line in await tracker.lines() if line.startswith(b"link|repository_issue")]
    await tracker.assert_holds([*facts, cleared])


def formed(forms: dict[str, KeyForm]) -> Catalog:
    """Returns the tracker's catalog with these normal forms of keys."""
    relationships = {
        name: replace(one, parent_form=forms.get(one.parent)) for name, one in TRACKER.relationships.items()
    }
    return Catalog(replace(TRACKER.contracts, key_forms=forms), relationships)


BOTH = TRACKER.contracts.key_forms


async def test_normal_form_is_taken_where_all_keys_have_it(pool: Pool) -> None:
    await migrate(pool, formed({}))
    await StoreTenant(pool, formed({})).record(event("CorrespondentAdded", "ada"))
    await migrate(pool, TRACKER)
    tenant = StoreTenant(pool, TRACKER)
    await tenant.record(event("CorrespondentRenamed", "Ada", 2, name="A"))
    await tenant.assert_holds([event("CorrespondentAdded", "ada"), event("CorrespondentRenamed", "Ada", 2, name="A")])


@pytest.mark.parametrize(
    "fact",
    [
        event("CorrespondentAdded", "Ada"),
        event("issues.opened", "1", reporter="Ada"),
        event("CorrespondentsMerged", "s", survivor="s", losers=["Ada"]),
    ],
)
async def test_normal_form_is_refused_over_other_keys(pool: Pool, fact: Event) -> None:
    await migrate(pool, formed({}))
    former = StoreTenant(pool, formed({}))
    await former.record(fact)
    with pytest.raises(BadDeclaration, match=r"correspondent 'Ada' of tenant main .* before the first fact"):
        await migrate(pool, TRACKER)
    await former.record(event("CorrespondentAdded", "Bob"))


async def test_normal_form_that_keys_were_kept_in_stays(pool: Pool) -> None:
    await migrate(pool, TRACKER)
    await StoreTenant(pool, TRACKER).record(event("CorrespondentAdded", "ada"))
    without = formed({"board": BOTH["board"]})
    with pytest.raises(BadDeclaration, match="were kept in the form case_folded"):
        await migrate(pool, without)
    with pytest.raises(Unavailable, match=r"read otherwise .*key correspondent"):
        await StoreTenant(pool, without).record(event("CorrespondentAdded", "Bob"))
