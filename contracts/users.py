"""Users: everyone who has an account. The owner knows more of them than others need."""

from typing import Any

from tether import Changed, Created, Deleted, Owner, upcast

OWNER = Owner("users")


class UserCreated(Created, entity="user"):
    """A user has signed up."""

    name: str
    email: str
    phone: str | None = None
    birthday: str | None = None
    """Date as YYYY-MM-DD; null: not given."""


class UserChanged(Changed, entity="user"):
    """Some fields of a user have other values."""

    name: str = ""
    email: str = ""
    phone: str | None = None
    birthday: str | None = None


class UserCreatedV2(Created, entity="user", version=2):
    """A user has signed up."""

    name: str
    email: str
    phone: str | None = None
    date_of_birth: str | None = None
    """Date as YYYY-MM-DD; null: not given."""
    language: str | None = None
    """The language that the user reads, as in RFC 5646; null: not known."""


class UserChangedV2(Changed, entity="user", version=2):
    """Some fields of a user have other values."""

    name: str = ""
    email: str = ""
    phone: str | None = None
    date_of_birth: str | None = None
    language: str | None = None


class UserDeleted(Deleted, entity="user"):
    """A user has closed the account."""


def _with_date_of_birth(data: dict[str, Any]) -> dict[str, Any]:
    return {("date_of_birth" if name == "birthday" else name): value for name, value in data.items()}


@upcast(UserCreated, UserCreatedV2)
def created_as_version_2(data: dict[str, Any]) -> dict[str, Any]:
    """The birthday is called the date of birth. The first version says nothing of a language."""
    return _with_date_of_birth(data)


@upcast(UserChanged, UserChangedV2)
def changed_as_version_2(data: dict[str, Any]) -> dict[str, Any]:
    """As of a creation: a language that a newer fact has set stays."""
    return _with_date_of_birth(data)
