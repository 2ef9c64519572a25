"""Runs the events service: ``python -m examples.events --help``."""

from examples.events.service import EVENTS
from examples.owner.process import main

main(EVENTS)
