-- name: newest_quarantined
-- The newest event in quarantine.
select id from quarantine where tenant = :tenant and id > 0 order by id desc limit 1

-- name: count_quarantined_event
-- Whether an event is in quarantine: 1 or 0.
select count(*) from quarantine where tenant = :tenant and id = :event

-- name: count_quarantined_of_causes
-- How many events are in quarantine for causes that a filter lets pass: the sums that are kept.
select coalesce(sum(events), 0)::bigint from quarantine_groups
where tenant = :tenant and (type = :type or :type::text is null) and (code = :code or :code::text is null)
  and (field = :field or :field::text is null)

-- name: count_quarantined_events
-- How many events a filter lets pass: reads all of the quarantine.
select count(*) from quarantine
where tenant = :tenant and id <= :up_to
  and (cause_type = :type or :type::text is null) and (code = :code or :code::text is null)
  and (field = :field or :field::text is null) and (source = :source or :source::text is null)
  and (actor = :actor or :actor::text is null)

-- name: quarantine_run_by_key
-- The run that a caller's Idempotency-Key stands for.
select id, request_digest from quarantine_runs
where tenant = :tenant and actor = :actor and idempotency_key = :idempotency_key and idempotency_key is not null

-- name: add_quarantine_run
-- Adds a run.
insert into quarantine_runs (tenant, action, type, code, field, source, key, event, up_to, total, actor, idempotency_key,
                             request_digest)
values (:tenant, :action, :type, :code, :field, :source, :key, :event, :up_to, :total, :actor, :idempotency_key, :digest)
returning id

-- name: quarantine_run
-- One run.
select tenant, id, number, action, type, code, field, source, key, event, up_to, total, state, actor, position, accepted,
       stale, duplicates, ignored, refused, discarded, requested_at, ended_at
from quarantine_runs where tenant = :tenant and id = :id

-- name: lock_quarantine_run
-- The same, locked until the transaction ends.
select tenant, id, number, action, type, code, field, source, key, event, up_to, total, state, actor, position, accepted,
       stale, duplicates, ignored, refused, discarded, requested_at, ended_at
from quarantine_runs where tenant = :tenant and id = :id for update

-- name: quarantine_runs_page
-- A page of runs, newest first.
select tenant, id, number, action, type, code, field, source, key, event, up_to, total, state, actor, position, accepted,
       stale, duplicates, ignored, refused, discarded, requested_at, ended_at
from quarantine_runs where tenant = :tenant and number < :before order by number desc limit :size

-- name: quarantine_run_events_page
-- A page of the events of a run, in the order in which they were processed.
select event, outcome, code, field, source, event_id, type
from quarantine_run_events where tenant = :tenant and run = :run and event > :after order by event limit :size

-- name: cancel_quarantine_run
-- Ends a run, if it has not ended.
update quarantine_runs
set state = case when state = 'running' then 'cancelled' else state end, ended_at = coalesce(ended_at, clock_timestamp())
where tenant = :tenant and id = :id and action = :action
returning id

-- name: claim_quarantine_runs
-- Claims the oldest run of each tenant, if its workflow is to be started. One that does not end is due again in a minute.
update quarantine_runs r set next_run = clock_timestamp() + interval '1 minute'
from (select q.tenant, q.id from quarantine_runs q
      where q.state = 'running' and q.next_run <= clock_timestamp()
        and not exists (select from quarantine_runs e
                        where e.tenant = q.tenant and e.number < q.number and e.state = 'running')
      order by q.tenant, q.number
      limit 100
      for update skip locked) c
where r.tenant = c.tenant and r.id = c.id
returning r.tenant, r.id
