-- name: verify_counts
-- Rows by what they are: facts, and work that is not finished. None of it violates an invariant.
select 'facts' as what, count(*) as count from facts where tenant = :tenant
union all
select 'facts in quarantine', count(*) from quarantine where tenant = :tenant
union all
select 'waits', count(*) from waits where tenant = :tenant
union all
select 'waits past their due time', count(*) from waits where tenant = :tenant and due < now()
union all
select 'operations in progress', count(*) from operations
where tenant = :tenant and state in ('waiting', 'requested', 'running')
union all
select 'outbox rows not dispatched', count(*) from outbox where tenant = :tenant and dispatched_at is null
union all
select 'outbox rows of instances without a wait', count(*)
from outbox i
where tenant = :tenant and workflow = 'relationship'
  and not exists (select from waits w where w.tenant = :tenant and w.relationship = i.about and w.parent = i.key)
