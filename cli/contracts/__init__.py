"""`tether contracts …`: shows contracts, compares them with earlier ones, and exports them."""
