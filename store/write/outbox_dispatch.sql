-- Updates find waits by their key. Whether a wait has a workflow is compared as an expression: as it stands, it would fit
-- the partial indexes, and these lead there by the tenant alone. The planner takes ">= 'infinity'" to be true of many rows,
-- so that it looks each of them up; of "is null" or "=" it would expect few, and read all waits once.

-- name: claim_outbox_rows
-- Claims outbox rows for one dispatcher, oldest first. Returns them with the owner that their instance is waiting for.
-- Their waits count as having a workflow before it starts; those whose row is locked are registered by the workflow.
with claimed as (
    update outbox o set claimed_at = now()
    from (select tenant, workflow, about, key, source, id from outbox
          where dispatched_at is null and (claimed_at is null or claimed_at < now() - interval '10 seconds')
          order by created_at
          limit :size
          for update skip locked) c
    where (o.tenant, o.workflow, o.about, o.key, o.source, o.id) = (c.tenant, c.workflow, c.about, c.key, c.source, c.id)
    returning o.tenant, o.workflow, o.about, o.key, o.source, o.id, o.fact, o.revision
), started as (
    update waits x set workflow_started_at = coalesce(x.workflow_started_at, now()), workflow_may_exist = true
    from (select w.tenant, w.relationship, w.parent
          from (select distinct tenant, about, key from claimed where workflow = 'relationship') c
          cross join lateral (
              select * from waits w
              where w.tenant = c.tenant and w.relationship = c.about and w.parent = c.key
                and (w.workflow_started_at is null or not w.workflow_may_exist)
              for no key update skip locked) w) f
    where x.tenant = f.tenant and x.relationship = f.relationship and x.parent = f.parent
)
select c.*,
    (select owner from waits w
     where c.workflow = 'relationship' and w.tenant = c.tenant and w.relationship = c.about and w.parent = c.key)
    as owner
from claimed c

-- name: release_outbox_rows
-- Releases claimed outbox rows, so that they can be claimed again.
update outbox o set claimed_at = null
from unnest(:tenants::text[], :workflows::text[], :abouts::text[], :keys::text[], :sources::text[], :ids::text[])
     as w (tenant, workflow, about, key, source, id)
where (o.tenant, o.workflow, o.about, o.key, o.source, o.id) = (w.tenant, w.workflow, w.about, w.key, w.source, w.id)

-- name: mark_dispatched
-- Marks outbox rows as dispatched.
update outbox o set dispatched_at = now()
from unnest(:tenants::text[], :workflows::text[], :abouts::text[], :keys::text[], :sources::text[], :ids::text[])
     as w (tenant, workflow, about, key, source, id)
where (o.tenant, o.workflow, o.about, o.key, o.source, o.id) = (w.tenant, w.workflow, w.about, w.key, w.source, w.id)

-- name: claim_waits
-- Claims waits whose grace period is over, of tenants that have fewer workflows for waits than they may; and those that
-- are overdue, whose owner has to be notified. Some of each tenant, by an index, however many waits another one has. A
-- wait that a transaction is ending is locked, and left out.
-- Their keys go through arrays: of these the planner expects a few, so it looks the waits up and does not read them all.
update waits x set workflow_started_at = now(), workflow_may_exist = true
from (select array_agg(c.tenant) as tenants, array_agg(c.relationship) as relationships, array_agg(c.parent) as parents
      from (select c.tenant, c.relationship, c.parent
            from tenant_revisions h
            cross join lateral (
                select count(*) as waits
                from (select from waits o
                      where o.tenant = h.tenant and o.workflow_started_at is not null and o.overdue_notified_at is null
                      limit :open_waits) o) o
            cross join lateral (
                (select w.tenant, w.relationship, w.parent from waits w
                 where o.waits < :open_waits and w.tenant = h.tenant and w.workflow_started_at is null
                   and w.workflow_after <= now()
                 order by w.workflow_after limit :size)
                union
                (select w.tenant, w.relationship, w.parent from waits w
                 where w.tenant = h.tenant and w.workflow_started_at is null and w.due <= now()
                 order by w.due limit :size)) c
            limit :size) c) a
cross join unnest(a.tenants, a.relationships, a.parents) as c (tenant, relationship, parent)
cross join lateral (
    select w.tenant, w.relationship, w.parent from waits w
    where w.tenant = c.tenant and w.relationship = c.relationship and w.parent = c.parent
      and coalesce(w.workflow_started_at, 'infinity') >= 'infinity'
    for no key update skip locked) f
where x.tenant = f.tenant and x.relationship = f.relationship and x.parent = f.parent
returning x.tenant, 'relationship' as workflow, x.relationship as about, x.parent as key, x.owner

-- name: unstart_waits
-- Lets the workflows of waits be started again. One may be running all the same, so ``workflow_may_exist`` stays.
update waits x set workflow_started_at = null
from unnest(:tenants::text[], :workflows::text[], :abouts::text[], :keys::text[]) as w (tenant, workflow, about, key)
where w.workflow = 'relationship' and (x.tenant, x.relationship, x.parent) = (w.tenant, w.about, w.key)
  and x.overdue_notified_at is null

-- name: undispatch_outbox_rows
-- Marks outbox rows as not dispatched.
update outbox o set dispatched_at = null, claimed_at = null
from unnest(:tenants::text[], :workflows::text[], :abouts::text[], :keys::text[]) as w (tenant, workflow, about, key)
where (o.tenant, o.workflow, o.about, o.key) = (w.tenant, w.workflow, w.about, w.key)

-- name: workflows_to_check
-- The workflows that should be open, those that were not checked for longest first; and whether a deadline has passed
-- for as long, at which each should have looked again.
select w.*,
       exists (select from waits x
               where w.workflow = 'relationship' and x.tenant = w.tenant and x.relationship = w.about and x.parent = w.key
                 and x.overdue_notified_at is null and x.due < now() - make_interval(secs => :seconds))
       or exists (select from operations o
                  where o.tenant = w.tenant and o.workflow = w.workflow and o.about = w.about and o.key = w.key
                    and o.state in ('waiting', 'requested') and o.due < now() - make_interval(secs => :seconds)) as late
from (select tenant, workflow, about, key, min(at) as at
      from ((select tenant, workflow, about, key, dispatched_at as at from outbox
             where dispatched_at < now() - make_interval(secs => :seconds) order by dispatched_at limit :size)
            union all
            (select tenant, 'relationship', relationship, parent, workflow_started_at from waits
             where workflow_started_at < now() - make_interval(secs => :seconds) and overdue_notified_at is null
             order by workflow_started_at limit :size)) s
      group by tenant, workflow, about, key
      order by at
      limit :size) w
order by at

-- name: mark_checked
-- Records that these workflows were found running.
with running as (
    select *
    from unnest(:tenants::text[], :workflows::text[], :abouts::text[], :keys::text[])
         as w (tenant, workflow, about, key)
), waiting as (
    update waits x set workflow_started_at = now()
    from running w
    where w.workflow = 'relationship' and x.tenant = w.tenant and x.relationship = w.about and x.parent = w.key
      and coalesce(x.workflow_started_at, 'infinity') < 'infinity'
      and coalesce(x.overdue_notified_at, 'infinity') >= 'infinity'
)
update outbox o set dispatched_at = now()
from running w
where (o.tenant, o.workflow, o.about, o.key) = (w.tenant, w.workflow, w.about, w.key) and o.dispatched_at is not null
