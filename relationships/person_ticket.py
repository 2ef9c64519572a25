"""Tickets belong to a person, and follow it when profiles are merged."""

from tether import Relationship

person_ticket = Relationship(parent="person", child="ticket", via="person_id")
