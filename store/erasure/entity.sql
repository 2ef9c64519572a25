-- name: facts_to_erase
-- The facts about an entity whose data was not erased yet.
select source, id, type, kind, key, sequence, data, correlation, digest, emptied, '' as about
from facts
where tenant = :tenant and kind = :kind and key = :key and emptied is distinct from 'erased'

-- name: empty_facts
-- Empties these facts but for what is left of their data and correlation ids.
update facts f set data = w.data::json, correlation = w.correlation, digest = w.digest, emptied = 'erased',
    causation = case when f.source = '/tether' then f.causation end, traceparent = null, extensions = null, published = null
from unnest(:sources::text[], :ids::text[], :data::text[], :correlations::text[], :digests::bytea[])
    as w (source, id, data, correlation, digest)
cross join lateral (
    select ctid from facts where tenant = :tenant and source = w.source and id = w.id limit 1) x
where f.ctid = x.ctid

-- name: empty_messages
-- Empties the messages that these facts were in: they are kept beside their first facts.
update facts f set published = null
from unnest(:sources::text[], :ids::text[]) as w (source, id)
cross join lateral (
    select ctid from facts where tenant = :tenant and source = w.source and id = w.id limit 1) x
where f.ctid = x.ctid

-- name: versions_to_erase
-- All versions of an entity.
select to_revision, data, older from entities where tenant = :tenant and kind = :kind and key = :key

-- name: empty_versions
-- Empties these versions of an entity but for what is left of their fields.
update entities e set data = v.data::json, older = v.older::jsonb
from unnest(:revisions::bigint[], :data::text[], :older::text[]) as v (to_revision, data, older)
where e.tenant = :tenant and e.kind = :kind and e.key = :key and e.to_revision = v.to_revision

-- name: begin_erasure
-- Records the revision from which on no read finds the data of an entity.
update erasures
set state = 'erased', position = :position, revision = :revision, erased_at = clock_timestamp()
where tenant = :tenant and id = :id
