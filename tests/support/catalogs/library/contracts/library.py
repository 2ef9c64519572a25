"""A library: articles with tags, and shelves with books. Each of them may turn out to be another one."""

from typing import Any

from tether import (
    Added,
    Changed,
    Command,
    Created,
    Deleted,
    Element,
    ExpectedParent,
    Key,
    Merged,
    Owner,
    Removed,
    Unmerged,
)

OWNER = Owner("library")


class TagCoined(Created, entity="tag"):
    """A tag was coined."""


class TagDropped(Deleted, entity="tag"):
    """A tag was dropped."""


class TagMerged(Merged, entity="tag"):
    """Tags were found to be the same."""

    survivor: str
    losers: list[str]


class TagUnmerged(Unmerged, entity="tag"):
    """Tags were found not to be the same."""

    survivor: str
    losers: list[str]


class ArticlePublished(Created, entity="article"):
    """An article was published."""

    tags: list[Any] | None = None
    related: list[Any] | None = None
    title: str | None = None


class ArticleEdited(Changed, entity="article"):
    """An article was edited."""

    tags: list[Any] | None = None
    related: list[Any] | None = None
    title: str | None = None


class ArticleWithdrawn(Deleted, entity="article"):
    """An article was withdrawn."""


class ArticleTagged(Added, entity="article", each="tags"):
    """An article was given one more tag."""

    tag: Element


class ArticleUntagged(Removed, entity="article", each="tags"):
    """An article lost one tag."""

    tag: Element


class ArticleMerged(Merged, entity="article"):
    """Articles were found to be the same."""

    survivor: str
    losers: list[str]


class ArticleUnmerged(Unmerged, entity="article"):
    """Articles were found not to be the same."""

    survivor: str
    losers: list[str]


class UntagArticle(Command, method="POST", path="/articles/{article}/untag"):
    """Take one tag from an article, if it still has it."""

    article: Key
    tag: ExpectedParent


class RetagArticle(Command, method="POST", path="/articles/{article}/retag"):
    """Give an article another tag in the place of one."""

    article: Key
    former: ExpectedParent
    tag: Element


class BookBought(Created, entity="book"):
    """A book was bought."""


class BookSold(Deleted, entity="book"):
    """A book was sold."""


class BookMerged(Merged, entity="book"):
    """Books were found to be the same."""

    survivor: str
    losers: list[str]


class BookUnmerged(Unmerged, entity="book"):
    """Books were found not to be the same."""

    survivor: str
    losers: list[str]


class SellBook(Command, method="DELETE", path="/books/{book}", deletes="book"):
    """Sell a book."""

    book: Key
    on_shelf: ExpectedParent = None


class ShelfBuilt(Created, entity="shelf"):
    """A shelf was built, with books on it."""

    books: list[Any] | None = None
    room: str | None = None


class ShelfArranged(Changed, entity="shelf"):
    """A shelf was arranged: these are its books."""

    books: list[Any] | None = None
    room: str | None = None


class ShelfRemoved(Deleted, entity="shelf"):
    """A shelf was removed."""


class BookPlaced(Added, entity="shelf", each="books"):
    """One more book was placed on a shelf."""

    book: Element


class BookTaken(Removed, entity="shelf", each="books"):
    """A book was taken from a shelf."""

    book: Element


class ShelfMerged(Merged, entity="shelf"):
    """Shelves were found to be the same."""

    survivor: str
    losers: list[str]


class ShelfUnmerged(Unmerged, entity="shelf"):
    """Shelves were found not to be the same."""

    survivor: str
    losers: list[str]
