"""An owner at its worst, on request: slow, busy, away, silent, repeating itself, in no order. It loses nothing."""
