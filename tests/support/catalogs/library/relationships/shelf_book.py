"""Shelves list their books, which are sold with the last shelf that they are on."""

from tether import MANY_TO_MANY, SKIP, Cascade, Each, Relationship

from ..contracts.library import SellBook

shelf_book = Relationship(
    parent="shelf",
    child="book",
    via=Each("books"),
    cardinality=MANY_TO_MANY,
    on_parent_deleted=Cascade(SellBook, on_shared=SKIP),
)
