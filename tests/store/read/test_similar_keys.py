"""Hints at misspelled references: keys that differ only in their spelling are found, and no others."""

from collections.abc import Callable
from unicodedata import normalize
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.read.similar_keys import FOUND, KEYS, normal_form, similar_keys
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder
from tests.support.tenants import StoreTenant, in_a_database

ID = UUID("550e8400-e29b-41d4-a716-446655440000")
ALIKE = {
    "capitals": ("books", "BOOKS"),
    "a capital": ("books", "Books"),
    "capitals inside": ("iphonecase", "iPhoneCase"),
    "no capitals": ("BOOKS", "books"),
    "sharp s": ("straße", "STRASSE"),
    "composed": ("cafe\u0301", "café"),
    "decomposed": ("Café", "cafe\u0301"),
    "full width": ("ＡＢＣ", "abc"),
    "space before": ("books", " books"),
    "space after": (" books", "books"),
    "line feed after": ("books", "books\n"),
    "tab before": ("books", "\tBooks"),
    "no-break space": ("science fiction", "science\u00a0fiction"),
    "two spaces": ("science fiction", "Science  Fiction"),
    "no space": ("science fiction", "sciencefiction"),
    "a space": ("sciencefiction", "science fiction"),
    "byte order mark": ("books", "\ufeffbooks"),
    "uuid in capitals": (str(ID), str(ID).upper()),
    "uuid in braces": (str(ID), f"{{{ID}}}"),
    "uuid as urn": (str(ID), f"urn:uuid:{ID}"),
    "uuid without hyphens": (str(ID), ID.hex),
    "uuid with hyphens": (ID.hex.upper(), str(ID)),
    "zeros": ("7", "007"),
    "fewer zeros": ("0007", "7"),
    "zeros inside": ("item-7", "Item-0007"),
    "zeros of a month": ("2024-7", "2024-07"),
}
OTHERS = ["book", "bookss", "8", "70", "item-8", "x", "customer-000012", "Customer-1", "\x01", "\U0010ffff"]


async def similar(pool: Pool, *keys: str, tenant: str = TENANT) -> dict[str, list[str]]:
    async with snapshot(pool, tenant) as at:
        found = await similar_keys(at, [("category", key) for key in keys])
    return {key: keys for (_, key), keys in found.items() if keys}


@pytest.mark.parametrize("case", ALIKE)
async def test_differently_spelled_key_is_found(pool: Pool, facts: FactRecorder, case: str) -> None:
    wanted, spelled = ALIKE[case]
    await facts.record(*(event("CategoryAdded", key, 1, name=key) for key in [spelled, *OTHERS]))
    assert await similar(pool, wanted, "nothing") == {wanted: [spelled]}


async def test_only_live_entities_of_the_kind_are_similar(pool: Pool, facts: FactRecorder) -> None:
    await facts.record(
        event("CategoryAdded", "BOOKS", 1, name="x"),
        event("CategoryRemoved", "BOOKS", 2),
        event("GroupCreated", "Books", 1, name="x"),
        event("ItemAdded", "i1", 1, name="x", category="bookS"),
        event("CategoryAdded", "books", 1, name="itself"),
    )
    assert await similar(pool, "books") == {}


async def test_similar_keys_are_limited_and_found_among_many_neighbours(pool: Pool, facts: FactRecorder) -> None:
    around = [f"{start}ustomer-{n:06}" for start in "cC" for n in range(1500)]
    await facts.record(*(event("CategoryAdded", key, 1, name=key) for key in around))
    assert await similar(pool, "CUSTOMER-12", "c ustomer-001499") == {
        "CUSTOMER-12": ["Customer-000012", "customer-000012"],
        "c ustomer-001499": ["Customer-001499", "customer-001499"],
    }
    spelled = [f"{'0' * n}7" for n in range(9)]
    await facts.record(*(event("CategoryAdded", key, 1, name=key) for key in spelled))
    assert len((await similar(pool, "7"))["7"]) == FOUND


async def test_no_more_keys_are_looked_up_than_the_limit_allows(pool: Pool, facts: FactRecorder) -> None:
    await facts.record(*(event("CategoryAdded", f"C{n}", 1, name="x") for n in range(3)))
    async with snapshot(pool, TENANT) as at:
        found = await similar_keys(at, [("category", f"c{n}") for n in range(KEYS + 1)])
    assert len(found) == KEYS
    assert [found["category", f"c{n}"] for n in range(4)] == [["C0"], ["C1"], ["C2"], []]


SPELLINGS: list[Callable[[str], str]] = [
    str.upper,
    str.lower,
    str.title,
    str.swapcase,
    lambda key: f" {key}",
    lambda key: f"{key} ",
    lambda key: normalize("NFD", key),
    lambda key: normalize("NFC", key),
]
LETTERS = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12)


@in_a_database
@given(key=LETTERS, spell=st.sampled_from(SPELLINGS), others=st.lists(LETTERS, max_size=5))
async def test_any_key_is_found_by_its_other_spellings(
    tenant: StoreTenant, key: str, spell: Callable[[str], str], others: list[str]
) -> None:
    wanted = spell(key)
    assume(wanted != key and normal_form(wanted) == normal_form(key))
    one = tenant.other_tenant()
    await one.record(*(event("CategoryAdded", each, 1, name="x") for each in {key, *others} - {wanted}))
    found = await similar(one.pool, wanted, tenant=one.name)
    assert key in found[wanted]
    assert {normal_form(each) for each in found[wanted]} == {normal_form(key)}
