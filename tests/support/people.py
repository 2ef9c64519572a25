"""Facts about people who have several profiles, some of which are merged."""

from tests.support.events import Event, event


def merged(survivor: str, *losers: str, sequence: int = 10) -> Event:
    """The fact that profiles are of one person."""
    id = f"merged/{survivor}/{losers}/{sequence}"
    return event("PersonMerged", survivor, sequence, id=id, survivor=survivor, losers=list(losers))


def unmerged(survivor: str, *losers: str, sequence: int = 20) -> Event:
    """The fact that profiles are not of one person after all."""
    id = f"unmerged/{survivor}/{losers}/{sequence}"
    return event("PersonUnmerged", survivor, sequence, id=id, survivor=survivor, losers=list(losers))


def kept_apart(one: str, other: str, sequence: int = 5) -> Event:
    """The fact that two profiles must never be merged."""
    return event("PeopleKeptApart", one, sequence, one=one, other=other)


PEOPLE: list[Event] = [
    event("CompanyAdded", "acme", name="Acme"),
    event("CompanyAdded", "bolt", name="Bolt"),
    event("PersonCreated", "ann", 1, name="Ann", email="ann@example.org", phone="1", labels=["a"], company_id="acme"),
    event("PersonCreated", "anne", 2, name="Anne", phone="", labels=["b", "a"]),
    event("TicketOpened", "t1", subject="Help", person_id="ann"),
    event("TicketOpened", "t2", subject="More help", person_id="anne"),
]
"""Ann has two profiles, each with a ticket; the one called ann works for a company."""
