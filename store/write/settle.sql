-- Every look-up of many rows is a lateral one with a limit: one index look-up for each row that is wanted. The
-- planner would otherwise choose by estimates made when the tables were empty, and read them whole.

-- name: create_tenant_revision
-- Makes sure that the tenant has a revision counter.
insert into tenant_revisions (tenant) values ($1) on conflict do nothing

-- name: lock_tenant_revision
-- Takes the tenant's turn to write; a statement of its own, so that what follows sees all that was committed before.
select revision from tenant_revisions where tenant = $1 for update

-- name: operating
-- Whether some operation waits for facts.
select exists (select from operations where tenant = $1 and state in ('waiting', 'requested'))

-- name: digests
-- The digests under which facts of these ids are in the ledger.
select f.source, f.id, f.digest
from unnest($2::text[], $3::text[]) as w (source, id)
cross join lateral (
    select * from facts where tenant = $1 and source = w.source and id = w.id limit 1) f

-- name: close_entities
-- Ends the current version of these entities.
update entities e set to_revision = $2
from unnest($3::text[], $4::text[]) as w (kind, key)
cross join lateral (
    select ctid from entities where tenant = $1 and kind = w.kind and key = w.key and to_revision = :open limit 1) x
where e.ctid = x.ctid

-- name: touch_entities
-- Keeps what newer facts said without changing anything that can be seen.
update entities e
set sequence = v.sequence, data = v.data::json, latest = v.latest, created = v.created, ended = v.ended,
    older = v.older::jsonb, refs = v.refs::jsonb
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::bytea[], $9::bytea[],
            $10::text[], $11::text[])
     as v (kind, key, state, sequence, data, latest, created, ended, older, refs)
cross join lateral (
    select ctid from entities where tenant = $1 and kind = v.kind and key = v.key and to_revision = :open limit 1) x
where e.ctid = x.ctid

-- name: close_links
-- Ends the current link of these children.
update links l set to_revision = $2
from unnest($3::text[], $4::text[]) as w (relationship, child)
cross join lateral (
    select ctid from links
    where tenant = $1 and relationship = w.relationship and child = w.child and to_revision = :open limit 1) x
where l.ctid = x.ctid

-- name: open_revision
-- Makes a revision known: readers see it, and all that was written with it, once this commits.
with counted as (
    insert into revisions (tenant, revision, at, actor, facts) values ($1, $2, $3, $4, $5)
)
update tenant_revisions set revision = $2 where tenant = $1
