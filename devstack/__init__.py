"""The embedded profile: PostgreSQL, Temporal and Tether's own processes on one machine, in one command."""
