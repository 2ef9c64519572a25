-- Deletes ended work that is older than some age, some rows at a time.

-- name: ended_operations
-- The next operations by their begin, of those that ended at least so long ago: not those with parked children, which can
-- be redriven, nor cancelled deletions, which the fact may still follow.
with page as materialized (
    select id, created_at, state, workflow, ended_at from operations
    where tenant = :tenant and (created_at, id) > (:after, :after_id)
      and created_at <= (select clock_timestamp()) - :age::interval
    order by created_at, id
    limit :size)
select id, created_at,
       ended_at <= (select clock_timestamp()) - :age::interval and state not in ('waiting', 'requested', 'running', 'incomplete')
           and not (workflow = 'cascade' and state = 'cancelled') as old
from page

-- name: trim_operation_children
-- Deletes children of an operation.
with gone as materialized (
    select ctid from operation_children where tenant = :tenant and operation = :operation limit :size
), deleted as (delete from operation_children c using gone x where c.ctid = x.ctid returning 1)
select count(*) from deleted

-- name: trim_operations
-- Deletes operations without children, if they are ended still, with the Idempotency-Keys that stand for them.
with deleted as (
    delete from operations o
    using unnest(:ids::text[]) as w (id)
    where o.tenant = :tenant and o.id = w.id and o.state not in ('waiting', 'requested', 'running', 'incomplete')
    returning o.id
), keys as (
    delete from idempotency_keys k using deleted d where k.tenant = :tenant and k.operation = d.id
)
select count(*) from deleted

-- name: trim_plans
-- Deletes plans whose operation is deleted, or that were not executed.
with old as materialized (
    select p.ctid from plans p
    where p.tenant = :tenant and p.created_at <= (select clock_timestamp()) - :age::interval
      and not exists (select from operations o where o.tenant = :tenant and o.id = p.operation)
    order by p.created_at, p.id
    limit :size
    for update skip locked
), deleted as (delete from plans p using old x where p.ctid = x.ctid returning 1)
select count(*) from deleted

-- name: trim_request_bodies
-- Deletes bodies of requests, of those that were first sent before all that is still waited for began: no attempt repeats
-- them.
with busy as materialized (
    select least((select min(o.created_at)
                  from unnest('{waiting,requested,running}'::text[]) as s (state)
                  cross join lateral (
                      select created_at from operations
                      where tenant = :tenant and state = s.state and state in ('waiting', 'requested', 'running') offset 0) o),
                 (select min(w.waiting_since) from waits w
                  where w.tenant = :tenant and w.workflow_started_at is not null and w.overdue_notified_at is null)) as since
), old as materialized (
    select r.ctid from request_bodies r
    where r.tenant = :tenant and r.created_at <= (select clock_timestamp()) - :age::interval
      and r.created_at < coalesce((select since from busy), 'infinity')
    limit :size
    for update skip locked
), deleted as (delete from request_bodies r using old x where r.ctid = x.ctid returning 1)
select count(*) from deleted

-- name: trim_snapshots
-- Deletes snapshots whose leases ended.
with old as materialized (
    select ctid from snapshots
    where tenant = :tenant and leased_until <= (select clock_timestamp()) - :age::interval
    limit :size
    for update skip locked
), deleted as (delete from snapshots s using old x where s.ctid = x.ctid returning 1)
select count(*) from deleted

-- name: trim_quarantine
-- Deletes quarantined events that last came so long ago.
with old as materialized (
    select ctid from quarantine
    where tenant = :tenant and id > 0 and received <= (select clock_timestamp()) - :age::interval
    order by id
    limit :size
    for update skip locked
), deleted as (delete from quarantine q using old x where q.ctid = x.ctid returning 1)
select count(*) from deleted

-- name: trim_quarantine_run_events
-- Deletes what became of the events of redrives and discards that ended so long ago.
with old as materialized (
    select e.ctid
    from (select id from quarantine_runs
          where tenant = :tenant and number > 0 and ended_at <= (select clock_timestamp()) - :age::interval
          order by number) r
    cross join lateral (select ctid from quarantine_run_events where tenant = :tenant and run = r.id limit :size) e
    limit :size
), deleted as (delete from quarantine_run_events e using old x where e.ctid = x.ctid returning 1)
select count(*) from deleted

-- name: trim_quarantine_runs
-- Deletes redrives and discards that ended so long ago, and whose events are deleted.
with old as materialized (
    select r.ctid from quarantine_runs r
    where r.tenant = :tenant and r.number > 0 and r.ended_at <= (select clock_timestamp()) - :age::interval
      and not exists (select from quarantine_run_events e where e.tenant = :tenant and e.run = r.id)
    order by r.number
    limit :size
    for update skip locked
), deleted as (delete from quarantine_runs r using old x where r.ctid = x.ctid returning 1)
select count(*) from deleted
