"""Lists in `tether verify` and in exports: each damage is found, and an import of an export gives equal hashes."""

import pytest

from store.audit import exported
from store.audit.exported import ExportedLedger
from tests.store.audit.test_exported import take
from tests.support.events import Event
from tests.support.library_facts import (
    bought,
    built,
    coined,
    edited,
    explicit,
    merged,
    placed,
    published,
    removed,
    tagged,
    taken,
    untagged,
)
from tests.support.tenants import StoreTenant

HISTORY: list[Event] = [
    published("a", 1, tags=["x", "y", "z"]),
    *coined("x"),
    edited("a", 3, tags=["x", "y"]),
    tagged("a", "w", 4),
    untagged("a", "y", 5),
    published("b", 1, tags=["x"], related=["a", "b"]),
    merged("tag", "x", "y"),
    built("s", books=["k", "l", "m"]),
    *bought("k"),
    placed("s", "n", 2),
    taken("s", "m", 3),
    removed("s", 4),
    built("r", books=["k"]),
]
SAYS = "the tables hold what the facts say"
DAMAGE = [
    ("delete from links where parent = 'w'", SAYS, "article_tag of 'a' is missing, by the facts 'w', waiting"),
    (
        "update links set parent = 'v', many = 'v' where parent = 'w'",
        SAYS,
        "article_tag of 'a' is 'v', waiting, but no fact names that parent",
    ),
    (
        "update links set stated_parent = 'y' where child = 'b' and parent = 'x'",
        SAYS,
        "has the stated child and parent",
    ),
    ("update links set of_former_incarnation = false where parent = 's'", SAYS, "by the facts 's', broken"),
    (
        "update links set from_revision = 1 where parent = 'w'",
        SAYS,
        "the article_tag of 'a' had the parent 'w' from revision 1 on",
    ),
    ("delete from element_facts where element = 'y'", SAYS, "'y': the row of the facts about it is missing"),
    ("update element_facts set added = not added where element = 'w'", SAYS, "'w': the row is not of the newest fact"),
    (
        "insert into element_facts values ('main', 'article_tag', 'a', 'q', '', true)",
        SAYS,
        "'q': no fact is about it alone",
    ),
    ("delete from waits where parent = 'w'", "exactly the incomplete instances wait", "article_tag w"),
    (
        "update links set to_revision = from_revision where parent = 'w'",
        "links have one version at a time",
        "the article_tag of a",
    ),
    (
        "delete from entities where kind = 'book' and key = 'l'",
        "links have a live child and a parent",
        "shelf_book of l",
    ),
    (
        "delete from entities where kind = 'shelf' and key = 'r'",
        "links have a live child and a parent",
        "parent r is missing",
    ),
    (
        "update entities set key = 'q' where kind = 'tag' and key = 'w'",
        "placeholders have a link",
        "tag q",
    ),
]


@pytest.fixture
async def shelves(library: StoreTenant) -> StoreTenant:
    """The library, with a history in which each rule of lists has a part."""
    await library.record_batches([[event] for event in HISTORY])
    await library.assert_holds(HISTORY)
    return library


@pytest.mark.parametrize(("damage", "check", "example"), DAMAGE, ids=[damage[0][:60] for damage in DAMAGE])
async def test_damage_of_lists_is_found(shelves: StoreTenant, damage: str, check: str, example: str) -> None:
    assert (await shelves.pool.execute(damage)).split()[-1] != "0"
    found = {one.name: one for one in (await shelves.audit()).violated}
    assert check in found
    assert example in found[check].example


async def test_import_of_an_export_gives_equal_lists(shelves: StoreTenant) -> None:
    await shelves.record(
        explicit("Unlinked", "article_tag", "a", "w", 4), explicit("Linked", "shelf_book", "n", "r", 1)
    )
    found = exported.lines(shelves.pool, shelves.catalog, shelves.name, (), ExportedLedger())
    _, *lines = [line async for line in found]
    other = shelves.other_tenant()
    await take(other, lines)
    report = await other.audit()
    assert report.violated == []
    assert (report.tables, await other.waits()) == ((await shelves.audit()).tables, await shelves.waits())
