"""Runs the groups service: ``python -m examples.groups --help``."""

from examples.groups.service import GROUPS
from examples.owner.process import main

main(GROUPS)
