"""Teams take part in an event. A team may come first, may move, and goes when its event does."""

from datetime import timedelta

from contracts.teams import DeleteTeam, MoveTeam, WithdrawTeam
from tether import ONE_TO_MANY, Cascade, Relationship, Wait

event_team = Relationship(
    parent="event",
    child="team",
    via="event_id",
    cardinality=ONE_TO_MANY,
    on_missing=Wait(deadline=timedelta(hours=24)),
    on_parent_deleted=Cascade(DeleteTeam),
    move=MoveTeam,
    detach=WithdrawTeam,
)
