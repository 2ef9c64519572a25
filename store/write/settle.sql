-- Every look-up of many rows is a lateral one with a limit: one index look-up for each row that is wanted. Otherwise the
-- planner would choose by estimates that were made when the tables were empty, and read them whole.

-- name: digests
-- The digests of those of these facts that are in the ledger.
select f.source, f.id, f.digest
from unnest(:sources::text[], :ids::text[]) as w (source, id)
cross join lateral (
    select * from facts where tenant = :tenant and source = w.source and id = w.id limit 1) f

-- name: close_entities
-- Ends the current version of these entities.
update entities e set to_revision = :revision
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
cross join lateral (
    select ctid from entities
    where tenant = :tenant and kind = w.kind and key = w.key and to_revision = :open limit 1) x
where e.ctid = x.ctid

-- name: touch_entities
-- Stores what facts have changed in these entities without a visible difference, in their current versions.
update entities e
set sequence = v.sequence, data = v.data::json, latest = v.latest, created = v.created, ended = v.ended,
    incarnation = v.incarnation, older = v.older::jsonb, refs = v.refs::jsonb
from unnest(:kinds::text[], :keys::text[], :states::text[], :sequences::text[], :data::text[], :latest::bytea[],
            :created::bytea[], :ended::bytea[], :incarnations::text[], :older::text[], :refs::text[])
     as v (kind, key, state, sequence, data, latest, created, ended, incarnation, older, refs)
cross join lateral (
    select ctid from entities
    where tenant = :tenant and kind = v.kind and key = v.key and to_revision = :open limit 1) x
where e.ctid = x.ctid

-- name: open_revision
-- Makes a revision the current one: readers see all that was written with it, once the transaction commits.
with counted as (
    insert into revisions (tenant, revision, at, actor, facts) values (:tenant, :revision, :now, :actor, :facts)
)
update tenant_revisions set revision = :revision, facts = facts + :facts where tenant = :tenant

-- name: mark_meaning
-- Remembers that what was written up to a revision follows from what facts meant before.
update tenant_revisions set meaning_since = :revision where tenant = :tenant

-- name: count_facts
-- Counts facts that have made no difference, so that the next one gets the next position.
update tenant_revisions set facts = facts + :facts where tenant = :tenant
