"""Runs the tickets service: ``python -m examples.tickets --help``."""

from examples.owner.process import main
from examples.tickets.service import TICKETS

main(TICKETS)
