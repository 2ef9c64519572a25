"""Every policy: what follows its parent, restricts it, is taken out of it, is kept; the first two on a second level."""

from tests.support.catalogs.league.contracts.league import DeletePlayer, FreeSponsor
from tether import KEEP, RESTRICT, Cascade, Detach, Relationship

team_player = Relationship(parent="team", child="player", via="of", on_parent_deleted=Cascade(DeletePlayer))
team_booking = Relationship(parent="team", child="booking", via="of", on_parent_deleted=RESTRICT)
event_stand = Relationship(parent="event", child="stand", via="of", on_parent_deleted=RESTRICT)
event_sponsor = Relationship(parent="event", child="sponsor", via="of", on_parent_deleted=Detach(FreeSponsor))
event_photo = Relationship(parent="event", child="photo", via="of", on_parent_deleted=KEEP)
