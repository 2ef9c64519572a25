"""Runs the users service: ``python -m examples.users --help``."""

from examples.owner.process import main
from examples.users.service import USERS

main(USERS)
