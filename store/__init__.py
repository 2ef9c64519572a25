"""What we remember: PostgreSQL, and the only importer of asyncpg."""
