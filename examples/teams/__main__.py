"""Runs the teams service: ``python -m examples.teams --help``."""

from examples.owner.process import main
from examples.teams.service import TEAMS

main(TEAMS)
