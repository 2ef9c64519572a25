"""The shopping service, which keeps a copy of users."""
