"""Users: everyone who has an account. The owner knows more of them than others need."""

from tether import Changed, Created, Deleted, Owner

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


class UserDeleted(Deleted, entity="user"):
    """A user has closed the account."""
