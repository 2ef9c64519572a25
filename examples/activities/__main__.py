"""Runs the activities service: ``python -m examples.activities --help``."""

from examples.activities.service import ACTIVITIES
from examples.owner.process import main

main(ACTIVITIES)
