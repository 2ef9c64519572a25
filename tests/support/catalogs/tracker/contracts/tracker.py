"""A tracker of issues, whose messages have types of their own: some say what happened, others by a field of theirs."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from tether import Changed, Created, Deleted, ForeignMessage, Key, MappedFact, Owner, Uuid, maps, upcast

OWNER = Owner("tracker", keys={"board": Uuid})


class RepositoryRef(BaseModel):
    """Where an issue is."""

    id: int
    name: str = ""


class RepositoryCreated(Created, entity="repository", type="com.tracker.repository.created"):
    """A repository was made."""

    name: str


class RepositoryDeleted(Deleted, entity="repository", type="com.tracker.repository.deleted"):
    """A repository was deleted."""


class BoardMade(Created, entity="board"):
    """A board was made. Its key is a UUID, which services spell in several ways."""

    board_id: Key
    title: str = ""


class IssueOpened(Created, entity="issue", type="com.tracker.issues.opened"):
    """An issue was opened."""

    title: str = ""
    repository: RepositoryRef | None = None
    reporter: str | None = None
    """The e-mail address of a person, in any spelling."""
    board: str | None = None


class IssueOpenedV2(Created, entity="issue", type="com.tracker.issues.opened.v2", version=2):
    """An issue was opened; its title has become its subject."""

    subject: str = ""
    repository: RepositoryRef | None = None
    reporter: str | None = None
    board: str | None = None


class IssueTransferred(Changed, entity="issue", type="com.tracker.issues.transferred"):
    """An issue was moved to another repository."""

    repository: RepositoryRef | None = None


class IssueEdited(Changed, entity="issue", type="com.tracker.issues.edited"):
    """Fields of an issue were changed."""

    subject: str = ""
    reporter: str | None = None
    board: str | None = None


class IssueDeleted(Deleted, entity="issue", type="com.tracker.issues.deleted"):
    """An issue was deleted."""


@upcast(IssueOpened, IssueOpenedV2)
def with_subject(data: dict[str, Any]) -> dict[str, Any]:
    """The title is called subject."""
    return {("subject" if name == "title" else name): value for name, value in data.items()}


@maps("com.tracker.issues", to=(RepositoryCreated, IssueOpenedV2, IssueTransferred, IssueEdited, IssueDeleted))
def issues(message: ForeignMessage) -> Iterator[MappedFact]:
    """One message for whatever happens to an issue: ``action`` says what. Others than these say nothing."""
    issue, action = message.data["issue"], message.data["action"]
    where = {"repository": message.data["repository"]} if "repository" in message.data else {}
    if action == "opened":
        if message.data.get("new_repository"):
            yield MappedFact(RepositoryCreated, where["repository"]["id"], {"name": where["repository"]["name"]})
        yield MappedFact(IssueOpenedV2, issue["id"], {"subject": issue["title"], **where})
    elif action == "transferred":
        yield MappedFact(IssueTransferred, issue["id"], where)
    elif action == "edited":
        yield MappedFact(IssueEdited, issue["id"], {"subject": issue["title"]})
    elif action == "deleted":
        yield MappedFact(IssueDeleted, issue["id"])
