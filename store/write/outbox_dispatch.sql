-- Updates find waits by their key. Whether a wait has a workflow is compared as an expression: as it stands, it would fit
-- the partial indexes, and these lead there by the tenant alone. The planner takes ">= 'infinity'" to be true of many rows,
-- so that it looks each of them up; of "is null" or "=" it would expect few, and read all waits once.

-- name: claim_outbox_rows
-- Claims outbox rows for one dispatcher, oldest first. Returns them with the owner that their instance is waiting for.
update outbox o set claimed_at = now()
from (select tenant, workflow, about, key, source, id from outbox
      where dispatched_at is null and (claimed_at is null or claimed_at < now() - interval '10 seconds')
      order by created_at
      limit :size
      for update skip locked) c
where (o.tenant, o.workflow, o.about, o.key, o.source, o.id) = (c.tenant, c.workflow, c.about, c.key, c.source, c.id)
returning o.tenant, o.workflow, o.about, o.key, o.source, o.id, o.fact, o.revision,
    (select owner from waits w
     where o.workflow = 'relationship' and w.tenant = o.tenant and w.relationship = o.about and w.parent = o.key)
    as owner

-- name: release_outbox_rows
-- Releases claimed outbox rows, so that they can be claimed again.
update outbox o set claimed_at = null
from unnest(:tenants::text[], :workflows::text[], :abouts::text[], :keys::text[], :sources::text[], :ids::text[])
     as w (tenant, workflow, about, key, source, id)
where (o.tenant, o.workflow, o.about, o.key, o.source, o.id) = (w.tenant, w.workflow, w.about, w.key, w.source, w.id)

-- name: mark_dispatched
-- Marks outbox rows as dispatched, and the waits of their instances as having a workflow.
with dispatched as (
    select *
    from unnest(:tenants::text[], :workflows::text[], :abouts::text[], :keys::text[], :sources::text[], :ids::text[])
         as w (tenant, workflow, about, key, source, id)
), started as (
    update waits x set workflow_started_at = now()
    from dispatched w
    where w.workflow = 'relationship' and x.tenant = w.tenant and x.relationship = w.about and x.parent = w.key
      and coalesce(x.workflow_started_at, 'infinity') >= 'infinity'
)
update outbox o set dispatched_at = now()
from dispatched w
where (o.tenant, o.workflow, o.about, o.key, o.source, o.id) = (w.tenant, w.workflow, w.about, w.key, w.source, w.id)

-- name: claim_waits
-- Claims waits whose grace period is over, of tenants that have fewer workflows for waits than they may; and those that
-- are overdue, whose owner has to be notified. Some of each tenant, by an index, however many waits another one has.
-- Their keys go through arrays: of these the planner expects a few, so it looks the waits up and does not read them all.
update waits x set workflow_started_at = now()
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
where x.tenant = c.tenant and x.relationship = c.relationship and x.parent = c.parent
  and coalesce(x.workflow_started_at, 'infinity') >= 'infinity'
returning x.tenant, 'relationship' as workflow, x.relationship as about, x.parent as key, x.owner

-- name: unstart_waits
-- Marks waits as having no workflow.
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
-- The workflows that should be open, those that were not checked for longest first.
select tenant, workflow, about, key, min(at) as at
from ((select tenant, workflow, about, key, dispatched_at as at from outbox
       where dispatched_at < now() - make_interval(secs => :seconds) order by dispatched_at limit :size)
      union all
      (select tenant, 'relationship', relationship, parent, workflow_started_at from waits
       where workflow_started_at < now() - make_interval(secs => :seconds) and overdue_notified_at is null
       order by workflow_started_at limit :size)) w
group by tenant, workflow, about, key
order by at
limit :size

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
