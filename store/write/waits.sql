-- name: states
-- The current states of these entities.
select e.kind, e.key, e.state
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
cross join lateral (
    select * from entities
    where tenant = :tenant and kind = w.kind and key = w.key and to_revision = :open limit 1) e

-- name: open_placeholders
-- Adds placeholders for parents that links refer to and of which no fact is known.
insert into entities (tenant, from_revision, kind, key, state, data, latest, created, ended, incarnation)
select :tenant, :revision, w.kind, w.key, 'unknown', '{}', '', '', '', ''
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)

-- name: open_referred_placeholders
-- Adds placeholders for those of these keys that links refer to and that have no row. `relationships`,
-- `element_kinds` and `parent_lists` list all relationships.
insert into entities (tenant, from_revision, kind, key, state, data, latest, created, ended, incarnation)
select :tenant, :revision, w.kind, w.key, 'unknown', '{}', '', '', '', ''
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
where exists (
    select from unnest(:relationships::text[], :element_kinds::text[], :parent_lists::boolean[])
         as r (name, kind, parent_lists)
    where r.kind = w.kind and case when r.parent_lists then exists (
              select from links l
              where l.tenant = :tenant and l.relationship = r.name and l.child = w.key and l.to_revision = :open offset 0)
          else exists (
              select from links l
              where l.tenant = :tenant and l.relationship = r.name and l.parent = w.key and l.to_revision = :open offset 0) end)
  and not exists (
    select from entities e
    where e.tenant = :tenant and e.kind = w.kind and e.key = w.key and e.to_revision = :open offset 0)

-- name: close_placeholders
-- Ends those of these placeholders that no link refers to any more, unless they hold a reference that Tether itself has
-- recorded. `relationships`, `element_kinds` and `parent_lists` list all relationships.
update entities e set to_revision = :revision
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
cross join lateral (
    select ctid from entities
    where tenant = :tenant and kind = w.kind and key = w.key and to_revision = :open and state = 'unknown'
      and refs is null
    limit 1) x
where e.ctid = x.ctid
  and not exists (
      select from unnest(:relationships::text[], :element_kinds::text[], :parent_lists::boolean[])
         as r (name, kind, parent_lists)
      where r.kind = w.kind and case when r.parent_lists then exists (
                select from links l
                where l.tenant = :tenant and l.relationship = r.name and l.child = w.key and l.to_revision = :open offset 0)
            else exists (
                select from links l
                where l.tenant = :tenant and l.relationship = r.name and l.parent = w.key and l.to_revision = :open offset 0) end)

-- name: end_waits
-- Deletes the waits of those of these instances for which nothing is missing any more, or the other side is, and adds
-- outbox rows for those whose workflow may be waiting. Deletes the requests for children that have come.
-- By key and not by ctid: the dispatcher or a workflow may be updating the row meanwhile, which moves it. The deletion
-- waits for such an update and returns the row as it was then, so that a workflow that has just registered is notified.
with ended as (
    delete from waits x
    using unnest(:relationships::text[], :parents::text[], :element_kinds::text[], :requested::boolean[],
                 :parent_lists::boolean[], :sources::text[], :ids::text[], :facts::text[])
          as w (relationship, parent, kind, requested, parent_lists, source, id, fact)
    cross join lateral (
        select missing from waits
        where tenant = :tenant and relationship = w.relationship and parent = w.parent limit 1) o
    cross join lateral (
        select missing_side(:tenant, w.relationship, w.parent, w.kind, w.requested, w.parent_lists) as missing
        where o.missing is not null offset 0) n
    where x.tenant = :tenant and x.relationship = w.relationship and x.parent = w.parent
      and x.missing is distinct from n.missing
    returning x.relationship, x.parent, w.source, w.id, w.fact,
              x.workflow_may_exist or x.workflow_started_at is not null as notified
), answered as (
    delete from counterpart_requests q
    using unnest(:answered_relationships::text[], :answered_parents::text[], :correlations::text[])
          as a (relationship, parent, correlation)
    cross join lateral (
        select ctid from counterpart_requests
        where tenant = :tenant and relationship = a.relationship and parent = a.parent and correlation = a.correlation
        limit 1 for update) f
    where q.ctid = f.ctid
)
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select :tenant, :revision, :now, 'relationship', relationship, parent, source, id, fact
from ended
where notified
on conflict do nothing

-- name: end_answered_waits
-- For requested children that have come and were gone before they were linked: records that the requests are answered, so
-- that the next ones have other Idempotency-Keys, deletes the waits, adds outbox rows, and returns the instances. The
-- revision may be one at which a child had left before, since such facts need not open another one.
with answered as (
    update counterpart_requests q set answered_at = greatest(:revision::bigint, q.left_at + 1)
    from unnest(:relationships::text[], :parents::text[], :correlations::text[], :always::boolean[],
                :sources::text[], :ids::text[], :facts::text[])
         as a (relationship, parent, correlation, always, source, id, fact)
    cross join lateral (
        select ctid from counterpart_requests
        where tenant = :tenant and relationship = a.relationship and parent = a.parent and correlation = a.correlation
          and answered_at is null
        limit 1 for update) f
    where q.ctid = f.ctid
    returning q.relationship, q.parent, a.always, a.source, a.id, a.fact
), ended as (
    delete from waits x
    using answered a
    where x.tenant = :tenant and x.relationship = a.relationship and x.parent = a.parent and x.missing = 'child'
    returning x.relationship, x.parent, a.source, a.id, a.fact,
              a.always or x.workflow_may_exist or x.workflow_started_at is not null as notified
), notified as (
    insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
    select :tenant, :revision, :now, 'relationship', relationship, parent, source, id, fact
    from ended
    where notified
    on conflict do nothing
)
select relationship, parent from ended

-- name: begin_waits
-- Adds waits for those of these instances for which a side is missing, each with an owner and a deadline. A wait whose
-- owner was notified begins again, since something new has begun to wait.
insert into waits as x (tenant, relationship, parent, missing, owner, waiting_since, due, workflow_after)
select :tenant, w.relationship, w.parent, e.missing,
       case e.missing when 'parent' then w.parent_owner else w.child_owner end,
       :now::timestamptz, :now::timestamptz + w.deadline, :now::timestamptz + w.grace_period
from unnest(:relationships::text[], :parents::text[], :element_kinds::text[], :requested::boolean[],
            :parent_lists::boolean[], :parent_owners::text[], :child_owners::text[], :deadlines::interval[],
            :grace_periods::interval[])
     as w (relationship, parent, kind, requested, parent_lists, parent_owner, child_owner, deadline, grace_period)
cross join lateral (
    select missing_side(:tenant, w.relationship, w.parent, w.kind, w.requested, w.parent_lists) as missing
    where not exists (select from waits o
                      where o.tenant = :tenant and o.relationship = w.relationship and o.parent = w.parent
                        and o.overdue_notified_at is null offset 0)
    offset 0) e
where e.missing is not null
on conflict (tenant, relationship, parent) do update
set waiting_since = excluded.waiting_since, due = excluded.due, workflow_after = excluded.workflow_after,
    workflow_started_at = null, workflow_may_exist = false, overdue_notified_at = null, last_error = '',
    missing_links = '{}', contradictions = 0
where x.overdue_notified_at is not null
