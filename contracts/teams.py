"""Teams: each takes part in one event, whose key it only knows as a text."""

from tether import Changed, Command, Created, Deleted, ExpectedParent, Key, OnSequenceRestart, Owner

OWNER = Owner("teams", on_sequence_restart=OnSequenceRestart.NEW_INCARNATION)


class TeamCreated(Created, entity="team"):
    """A team was registered."""

    name: str
    event_id: str | None = None
    """Key of the event that it takes part in; null: none."""


class TeamRenamed(Changed, entity="team"):
    """A team has another name."""

    name: str


class TeamMoved(Changed, entity="team"):
    """A team takes part in another event now."""

    event_id: str | None
    """Key of the event; null: none any more."""


class TeamDeleted(Deleted, entity="team"):
    """A team was dissolved."""


class DeleteTeam(Command, method="DELETE", path="/teams/{team_id}", deletes="team"):
    """Dissolve a team, if it still takes part in that event."""

    team_id: Key
    still_in: ExpectedParent = None


class MoveTeam(Command, method="POST", path="/teams/{team_id}/moves"):
    """Let a team take part in another event, if it still takes part in the one it is thought to."""

    team_id: Key
    event_id: str
    still_in: ExpectedParent = None


class WithdrawTeam(Command, method="DELETE", path="/teams/{team_id}/event"):
    """Take a team out of its event, if it still is in that one."""

    team_id: Key
    still_in: ExpectedParent = None
