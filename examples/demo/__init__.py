"""Plays the situations on a running Tether, with example owners and real facts, and checks the results."""
