-- name: take_out_of_quarantine
-- Deletes these events.
delete from quarantine q using unnest(:ids::bigint[]) as w (id)
where q.tenant = :tenant and q.id = w.id

-- name: join_quarantined
-- Deletes events that are equal to what others become, which is given by a digest; returns how often each came.
with gone as (
    delete from quarantine q
    using unnest(:ids::bigint[], :digests::bytea[]) as w (id, digest)
    where q.tenant = :tenant and q.digest = w.digest and q.id <> w.id
    returning w.id, q.times)
select id, times from gone

-- name: give_quarantined_reasons
-- Gives events another reason, and adds how often equal ones came.
update quarantine q
set digest = w.digest, code = w.code, field = w.field, reason = w.reason, times = q.times + w.more
from unnest(:ids::bigint[], :digests::bytea[], :codes::text[], :fields::text[], :reasons::text[], :more::integer[])
     as w (id, digest, code, field, reason, more)
where q.tenant = :tenant and q.id = w.id

-- name: add_quarantine_run_events
-- Notes what became of events of a run.
insert into quarantine_run_events (tenant, run, event, outcome, code, field, source, event_id, type)
select :tenant, :run, w.*
from unnest(:events::bigint[], :outcomes::text[], :codes::text[], :fields::text[], :sources::text[], :event_ids::text[],
            :types::text[]) as w (event, outcome, code, field, source, event_id, type)

-- name: move_quarantine_run
-- Moves the position of a run, and adds what became of events.
update quarantine_runs
set position = :position, accepted = accepted + :accepted, stale = stale + :stale, duplicates = duplicates + :duplicates,
    ignored = ignored + :ignored, refused = refused + :refused, discarded = discarded + :discarded,
    state = case when :done::boolean then 'done' else state end,
    ended_at = case when :done::boolean then clock_timestamp() else ended_at end
where tenant = :tenant and id = :id
