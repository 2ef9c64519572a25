"""PostgreSQL: connections, queries by name, migrations, snapshots, tokens, credentials."""
