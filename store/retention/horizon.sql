-- name: horizon
-- The horizon of a tenant, as it is now.
select revision, at, sealed, held_by, held_name, last_run, next_run from horizons where tenant = :tenant

-- name: retention_holds
-- What needs revisions: the oldest operation that is open, and the oldest deletion whose cascade has not begun, from their
-- begin on; and of the snapshots that are leased the one of the oldest revision, and of the consumers the one that has
-- acknowledged least, from that on. Not those that have expired.
select 'operation' as what, o.id as name, o.created_at as since, null::bigint as revision
from (select o.id, o.created_at
      from unnest('{waiting,requested,running}'::text[]) as s (state)
      cross join lateral (
          select id, created_at from operations
          where tenant = :tenant and state = s.state and state in ('waiting', 'requested', 'running') offset 0) o
      order by o.created_at limit 1) o
union all
select 'deletion', x.key, x.created_at, null
from (select key, created_at from outbox
      where tenant = :tenant and workflow = 'cascade'
      order by created_at limit 1) x
union all
select 'snapshot', s.id, null, s.revision
from (select id, revision from snapshots
      where tenant = :tenant and revision >= :horizon and leased_until > (select clock_timestamp())
      order by revision limit 1) s
union all
select 'consumer', c.name, null, c.position_revision - 1
from (select name, position_revision from consumers
      where tenant = :tenant and position_revision > :horizon
      order by position_revision limit 1) c

-- name: revisions_after
-- The newest of the next :size revisions after one that is at least so old as each of some ages, and each of some times;
-- null where there is none.
with next as materialized (
    select revision, at from revisions
    where tenant = :tenant and revision > :after and revision <= :last
    order by revision
    limit :size)
select (select max(revision) from next where at <= clock_timestamp() - :wanted::interval) as wanted,
       (select max(revision) from next where at <= clock_timestamp() - :forced::interval) as forced,
       (select max(revision) from next where at <= :since::timestamptz) as before

-- name: move_horizon
-- Moves the horizon of a tenant forward, never back.
insert into horizons as h (tenant, revision, at, sealed, held_by, held_name)
select :tenant, :revision, (select at from revisions where tenant = :tenant and revision = :revision), :sealed, :held_by,
       :held_name
on conflict (tenant) do update
set revision = greatest(h.revision, excluded.revision),
    at = case when excluded.revision > h.revision then excluded.at else h.at end,
    sealed = greatest(h.sealed, excluded.sealed), held_by = excluded.held_by, held_name = excluded.held_name
