"""The field of ``tree``, read by a second relationship."""

from datetime import timedelta

from tether import Relationship, Wait

again = Relationship(parent="node", child="node", via="up", on_missing=Wait(deadline=timedelta(days=1)))
