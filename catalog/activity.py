"""The class with which an owner declares a feed of activity: what happened to entities, appended and never folded.

``class ActivityRecorded(Activity, entity="activity", of="person")`` with the field ``person_id: str``; or, where
another field holds the key, ``class LetterSent(Activity, entity="letter", of="person", via="recipient")``.
"""

from typing import Any, ClassVar, NamedTuple

from catalog.vocabulary import Fact


class AboutEntity(NamedTuple):
    """Whose activity a fact is. ``kind``: of the entity, which any owner may own; ``field``: holds its key."""

    kind: str
    field: str


class Activity(Fact):
    """Something happened to an entity of another kind. It changes no state, and no later fact takes its place.

    ``entity``: the feed, a kind of its own; ``of``: the kind that it is about; ``via``: the field that holds the key of
    that entity, by default ``<of>_id``. Without a CloudEvents ``subject`` its id is its key.
    """

    activity_of: ClassVar[AboutEntity | None] = None

    def __init_subclass__(cls, of: str = "", via: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if of:
            cls.activity_of = AboutEntity(of, via or f"{of}_id")
