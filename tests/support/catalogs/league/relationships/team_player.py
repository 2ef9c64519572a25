"""Players are deleted with their team."""

from tether import Cascade, Relationship

from ..contracts.league import DeletePlayer

team_player = Relationship(parent="team", child="player", via="of", on_parent_deleted=Cascade(DeletePlayer))
