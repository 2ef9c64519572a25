"""`tether merge plan` and `tether merge run`: files of merges."""
