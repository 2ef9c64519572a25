#!/bin/sh
# Makes the roles `tether` and `temporal` and their databases; neither role can open the other's.
# PostgreSQL's image runs this once, on an empty data directory. Running it again changes nothing but passwords.
# Needs psql 15 or newer, its usual PG* variables for a superuser, POSTGRES_TETHER_PASSWORD and POSTGRES_TEMPORAL_PASSWORD.
set -eu

: "${POSTGRES_TETHER_PASSWORD:?is the password of the role tether}"
: "${POSTGRES_TEMPORAL_PASSWORD:?is the password of the role temporal}"

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-postgres}" <<'SQL'
\getenv tether POSTGRES_TETHER_PASSWORD
\getenv temporal POSTGRES_TEMPORAL_PASSWORD

select format('create role %I login', name)
from unnest(array['tether', 'temporal']) name
where not exists (select from pg_roles where rolname = name)
\gexec
alter role tether password :'tether';
alter role temporal password :'temporal';

select format('create database %I owner %I', name, owner)
from (values ('tether', 'tether'), ('temporal', 'temporal'), ('temporal_visibility', 'temporal')) d(name, owner)
where not exists (select from pg_database where datname = name)
\gexec
revoke connect on database tether, temporal, temporal_visibility from public;
SQL
