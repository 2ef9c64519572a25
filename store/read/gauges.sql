-- name: gauge_revisions
-- The newest revision of each tenant.
select tenant, revision from tenant_revisions order by tenant

-- name: gauge_outbox
-- Outbox rows that have not been dispatched.
select count(*) from outbox where dispatched_at is null

-- name: gauge_waits
-- The waits of each relationship, and how many of them are past their due time.
select tenant, relationship, missing, count(*) as waits, count(*) filter (where due < now()) as overdue
from waits
group by tenant, relationship, missing
order by tenant, relationship, missing

-- name: gauge_quarantine
-- The facts in quarantine of each tenant that has any.
select tenant, sum(events)::bigint as facts from quarantine_groups group by tenant order by tenant

-- name: gauge_quarantine_senders
-- What is in quarantine of each API key that ever sent something that is there, and what was not kept of it.
select tenant, actor, events, bytes, not_kept from quarantine_senders order by tenant, actor

-- name: gauge_horizons
-- The horizon of each tenant that has one, and the age of its revision in seconds.
select tenant, revision, coalesce(extract(epoch from clock_timestamp() - at), 0)::double precision as age
from horizons where revision > 0 order by tenant

-- name: gauge_trimmed
-- The rows that retention has trimmed.
select tenant, what, rows from trimmed_rows order by tenant, what

-- name: gauge_strays
-- Open workflows without rows that the dispatchers have signalled or terminated.
select action, workflows from stray_workflows order by action

-- name: gauge_consumers
-- How far each consumer is behind.
select tenant, name, state, lag_revisions, lag_seconds from consumer_status order by tenant, name
