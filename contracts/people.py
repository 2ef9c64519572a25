"""People: profiles, of which one person may have several. Some are found to be the same, some never to be."""

from tether import (
    Changed,
    Command,
    Created,
    Deleted,
    FieldRule,
    Key,
    Merged,
    MergeForbidden,
    MergeForbiddenLifted,
    MergePolicy,
    Owner,
    Unmerged,
)

OWNER = Owner("people")


class PersonCreated(Created, entity="person"):
    """A profile was made."""

    name: str
    email: str | None = None
    phone: str | None = None
    labels: list[str] | None = None
    company_id: str | None = None
    """Key of the company that the person works for; null: none is known."""


class PersonChanged(Changed, entity="person"):
    """Some fields of a profile have other values."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    labels: list[str] | None = None
    company_id: str | None = None


class PersonDeleted(Deleted, entity="person"):
    """A profile was deleted."""


class RetirePerson(Command, method="POST", path="/people/{person_id}/retirements"):
    """Retire a profile whose person goes on as another profile."""

    person_id: Key
    survivor: str
    """Key of the profile that remains."""


class ErasePerson(Command, method="POST", path="/people/{person_id}/erasures", erases="person"):
    """Erase what is kept of the person in a profile."""

    person_id: Key


class PersonMerged(
    Merged,
    entity="person",
    policy=MergePolicy(
        fields={
            "email": FieldRule.SURVIVOR,
            "phone": FieldRule.FIRST_NON_EMPTY,
            "labels": FieldRule.UNION,
        },
        retire=RetirePerson,
    ),
):
    """Profiles were found to be of the same person as another one, which remains."""

    survivor: str
    losers: list[str]


class PersonUnmerged(Unmerged, entity="person"):
    """Profiles were found not to be of the same person as another one."""

    survivor: str
    losers: list[str]


class PeopleKeptApart(MergeForbidden, entity="person"):
    """Two profiles are of different people: they must never be merged."""

    one: str
    other: str


class PeopleMayBeMerged(MergeForbiddenLifted, entity="person"):
    """Two profiles may be of the same person again."""

    one: str
    other: str
