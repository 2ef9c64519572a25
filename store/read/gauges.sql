-- name: gauge_heads
-- How far each tenant has come.
select tenant, revision from heads order by tenant

-- name: gauge_intents
-- Workflows that are to be started or told and were not yet.
select count(*) from intents where dispatched_at is null

-- name: gauge_waits
-- What is waited for, and how much of it is past its deadline.
select tenant, relationship, lacks, count(*) as waits, count(*) filter (where due < now()) as overdue
from waits
group by tenant, relationship, lacks
order by tenant, relationship, lacks

-- name: gauge_quarantine
-- Facts that could not be taken.
select tenant, count(*) as facts from quarantine group by tenant order by tenant
