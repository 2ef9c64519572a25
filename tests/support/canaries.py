"""Looks for a text everywhere in a database: in every column of every table."""

from store.db.pool import Pool

_COLUMNS = """
select table_name::text, column_name::text, data_type::text from information_schema.columns
where table_schema = 'tether' and data_type in ('text', 'json', 'jsonb', 'bytea', 'ARRAY')
  and table_name in (select table_name from information_schema.tables where table_type = 'BASE TABLE')
order by table_name, column_name
"""


async def find(pool: Pool, canary: str) -> list[str]:
    """The columns that hold a text, as ``table.column``."""
    found = []
    for table, column, type in await pool.fetch(_COLUMNS):
        text = f"encode({column}, 'escape')" if type == "bytea" else f"{column}::text"
        query = f"select count(*) from {table} where position($1 in {text}) > 0"  # noqa: S608  # names of the catalog
        if await pool.fetchval(query, canary):
            found.append(f"{table}.{column}")
    return found


_FILES = """
select c.relname::text as name, pg_relation_filepath(c.oid) as path from pg_class c
where pg_relation_filepath(c.oid) is not null
  and (c.relnamespace = 'tether'::regnamespace
       or c.oid in (select reltoastrelid from pg_class where relnamespace = 'tether'::regnamespace))
order by 1
"""


async def find_in_files(pool: Pool, canary: str) -> list[str]:
    """The tables and indexes whose files hold a text, large values included."""
    await pool.execute("checkpoint")
    found = []
    for name, path in await pool.fetch(_FILES):
        if await pool.fetchval("select position($1::bytea in pg_read_binary_file($2))", canary.encode(), path):
            found.append(name)
    return found
