"""Runs the channels service: ``python -m examples.channels --help``."""

from examples.channels.service import CHANNELS
from examples.owner.process import main

main(CHANNELS)
