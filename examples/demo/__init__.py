"""Plays the situations on a running Tether, with real services and real facts, and checks what comes of them."""
