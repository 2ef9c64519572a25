"""The owners of the six situations as real little services: each its own process, database and outbox."""
