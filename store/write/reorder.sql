-- name: tenants_to_reorder
-- The tenants whose order keys have the form of an earlier version.
select tenant from tenant_revisions where order_version = 0 order by tenant

-- name: facts_to_reorder
-- All facts of a tenant, those of each entity together.
select source, id, type, kind, key, sequence, time, time_nanoseconds, data, correlation, position, order_key,
       emptied
from facts
where tenant = :tenant
order by kind, key

-- name: reorder_facts
-- Gives facts their new order keys.
update facts f set order_key = w.new
from unnest(:sources::text[], :ids::text[], :new::bytea[]) as w (source, id, new)
cross join lateral (
    select ctid from facts where tenant = :tenant and source = w.source and id = w.id limit 1) x
where f.ctid = x.ctid

-- name: reorder_latest
-- Gives all versions of entities the new order keys of their newest facts.
update entities e set latest = w.new
from unnest(:kinds::text[], :keys::text[], :old::bytea[], :new::bytea[]) as w (kind, key, old, new)
cross join lateral (
    select ctid from entities where tenant = :tenant and kind = w.kind and key = w.key and latest = w.old offset 0) x
where e.ctid = x.ctid

-- name: reorder_created
-- Gives all versions of entities the new order keys of their creations.
update entities e set created = w.new
from unnest(:kinds::text[], :keys::text[], :old::bytea[], :new::bytea[]) as w (kind, key, old, new)
cross join lateral (
    select ctid from entities where tenant = :tenant and kind = w.kind and key = w.key and created = w.old offset 0) x
where e.ctid = x.ctid

-- name: reorder_ended
-- Gives all versions of entities the new order keys of their deletions, and names their lives by the old ones, as the
-- Idempotency-Keys of requests do that were sent already.
update entities e set ended = w.new, incarnation = w.name
from unnest(:kinds::text[], :keys::text[], :old::bytea[], :new::bytea[], :names::text[])
     as w (kind, key, old, new, name)
cross join lateral (
    select ctid from entities where tenant = :tenant and kind = w.kind and key = w.key and ended = w.old offset 0) x
where e.ctid = x.ctid

-- name: name_first_lives
-- Names the lives before which there was no deletion.
update entities set incarnation = :name where tenant = :tenant and ended = '' and latest <> ''

-- name: reorder_ranks
-- Gives one-to-one links the new order keys of their children's creations.
update links l set rank = w.new
from unnest(:kinds::text[], :keys::text[], :old::bytea[], :new::bytea[]) as w (kind, key, old, new)
join unnest(:relationships::text[], :child_kinds::text[]) as r (name, kind) on r.kind = w.kind
cross join lateral (
    select ctid from links where tenant = :tenant and relationship = r.name and child = w.key and rank = w.old offset 0) x
where l.ctid = x.ctid

-- name: reorder_registers
-- Gives fields and references of current entities that have an order key of their own the new one.
update entities e set older = w.older::jsonb, refs = w.refs::jsonb
from unnest(:kinds::text[], :keys::text[], :older::text[], :refs::text[]) as w (kind, key, older, refs)
cross join lateral (
    select ctid from entities
    where tenant = :tenant and kind = w.kind and key = w.key and to_revision = :open limit 1) x
where e.ctid = x.ctid

-- name: finish_reordering
-- Records that the tenant's order keys have the present form.
update tenant_revisions set order_version = 1 where tenant = :tenant
