"""The quarantine as operators use it: listings, trials against the catalog, and runs that redrive or discard."""
