#!/bin/sh
# Brings Temporal's two databases to the schema of this image's version. Safe to run at every start:
# both steps look at the version that the database says it has.
# Needs temporal-sql-tool and its SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD; the databases must exist.
set -eu

: "${SQL_HOST:?is the host of PostgreSQL}"
: "${SQL_USER:?is the role that owns the databases}"
: "${SQL_PASSWORD:?is the password of that role}"

schema() {
    database=$1
    directory=$2
    set -- --plugin postgres12 --ep "$SQL_HOST" -p "${SQL_PORT:-5432}" -u "$SQL_USER" --db "$database"
    temporal-sql-tool "$@" setup-schema -v 0.0
    temporal-sql-tool "$@" update-schema -d "/etc/temporal/schema/postgresql/v12/$directory/versioned"
    echo "$database: schema up to date"
}

schema temporal temporal
schema temporal_visibility visibility
