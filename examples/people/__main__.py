"""Runs the people service: ``python -m examples.people --help``."""

from examples.owner.process import main
from examples.people.service import PEOPLE

main(PEOPLE)
