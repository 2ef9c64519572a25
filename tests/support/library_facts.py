"""Facts of the library, whose articles list tags and whose shelves list books, and what the model makes of them."""

from itertools import permutations
from typing import Any

from catalog.registry import OWN_SOURCE
from model.lines import link_lines
from tests.support.events import Event, event
from tests.support.tenants import LIBRARY, fold_events


def published(article: str = "a", sequence: int = 1, **data: Any) -> Event:
    return event("ArticlePublished", article, sequence, **data)


def edited(article: str, sequence: int, **data: Any) -> Event:
    return event("ArticleEdited", article, sequence, **data)


def withdrawn(article: str, sequence: int) -> Event:
    return event("ArticleWithdrawn", article, sequence)


def tagged(article: str, tag: str, sequence: int | None) -> Event:
    return event("ArticleTagged", article, sequence, id=f"+{article}{tag}{sequence}", tag=tag)


def untagged(article: str, tag: str, sequence: int | None) -> Event:
    return event("ArticleUntagged", article, sequence, id=f"-{article}{tag}{sequence}", tag=tag)


def coined(*tags: str) -> list[Event]:
    return [event("TagCoined", tag, 1) for tag in tags]


def built(shelf: str = "s", sequence: int = 1, **data: Any) -> Event:
    return event("ShelfBuilt", shelf, sequence, **data)


def arranged(shelf: str, sequence: int, **data: Any) -> Event:
    return event("ShelfArranged", shelf, sequence, **data)


def removed(shelf: str, sequence: int) -> Event:
    return event("ShelfRemoved", shelf, sequence)


def placed(shelf: str, book: str, sequence: int) -> Event:
    return event("BookPlaced", shelf, sequence, id=f"+{shelf}{book}{sequence}", book=book)


def taken(shelf: str, book: str, sequence: int) -> Event:
    return event("BookTaken", shelf, sequence, id=f"-{shelf}{book}{sequence}", book=book)


def bought(*books: str) -> list[Event]:
    return [event("BookBought", book, 1) for book in books]


def merged(kind: str, survivor: str, *losers: str, at: int = 1) -> Event:
    id = f"m{kind}{survivor}{losers}{at}"
    return event(f"{kind.title()}Merged", survivor, at, id=id, survivor=survivor, losers=list(losers))


def explicit(fact: str, relationship: str, child: str, parent: str, sequence: int) -> Event:
    """``Linked`` or ``Unlinked``, as Tether records it: about the side that lists the other."""
    listing = parent if LIBRARY.relationship(relationship).parent_lists else child
    id = f"{fact}{relationship}{child}{parent}{sequence}"
    data = {"relationship": relationship, "child": child, "parent": parent}
    return event(fact, listing, sequence, source=OWN_SOURCE, id=id, **data)


def links(*events: Event) -> str:
    """Returns ``child>parent state`` of all links, which are the same in a few other orders of arrival."""
    found = {_links(order) for order in [*permutations(events)][:: max(1, len(events) * 2)]}
    assert len(found) == 1
    return found.pop()


def _links(events: tuple[Event, ...]) -> str:
    lines = [line.decode().split("|")[2:] for line in link_lines(fold_events(LIBRARY, events))]
    return ", ".join(f"{child}>{parent} {state}" for child, parent, state in sorted(lines))
