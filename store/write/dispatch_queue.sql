-- name: claim_outbox_rows
-- Intents to dispatch, oldest first, for one dispatcher; and who owes what their instance waits for.
update outbox i set claimed_at = now()
from (select tenant, workflow, about, key, source, id from outbox
      where dispatched_at is null and (claimed_at is null or claimed_at < now() - interval '10 seconds')
      order by created_at
      limit $1
      for update skip locked) c
where (i.tenant, i.workflow, i.about, i.key, i.source, i.id) = (c.tenant, c.workflow, c.about, c.key, c.source, c.id)
returning i.tenant, i.workflow, i.about, i.key, i.source, i.id, i.fact, i.revision,
    (select owner from waits w
     where i.workflow = 'relationship' and w.tenant = i.tenant and w.relationship = i.about and w.parent = i.key)
    as owner

-- name: release_outbox_rows
-- Intents that could not be dispatched may be claimed again.
update outbox i set claimed_at = null
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
     as w (tenant, workflow, about, key, source, id)
where (i.tenant, i.workflow, i.about, i.key, i.source, i.id) = (w.tenant, w.workflow, w.about, w.key, w.source, w.id)

-- name: mark_dispatched
-- Their workflows were told; an instance that waits has its workflow now.
with told as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
        as w (tenant, workflow, about, key, source, id)
), started as (
    update waits x set workflow_started_at = now()
    from told w
    where w.workflow = 'relationship' and x.tenant = w.tenant and x.relationship = w.about and x.parent = w.key
      and x.workflow_started_at is null
)
update outbox i set dispatched_at = now()
from told w
where (i.tenant, i.workflow, i.about, i.key, i.source, i.id) = (w.tenant, w.workflow, w.about, w.key, w.source, w.id)

-- name: claim_waits
-- Waits whose patience is over, of tenants that have room for more open waits; and those that are overdue and have to be
-- told. Each tenant has its turn: some of each, by an index of its own, however many wait.
update waits x set workflow_started_at = now()
from (select c.tenant, c.relationship, c.parent
      from tenant_revisions h
      cross join lateral (
          select count(*) as waits
          from (select from waits o
                where o.tenant = h.tenant and o.workflow_started_at is not null and o.overdue_notified_at is null
                limit $2) o) o
      cross join lateral (
          (select w.tenant, w.relationship, w.parent from waits w
           where o.waits < $2 and w.tenant = h.tenant and w.workflow_started_at is null and w.workflow_after <= now()
           order by w.workflow_after limit $1)
          union
          (select w.tenant, w.relationship, w.parent from waits w
           where w.tenant = h.tenant and w.workflow_started_at is null and w.due <= now()
           order by w.due limit $1)) c
      limit $1) c
where x.tenant = c.tenant and x.relationship = c.relationship and x.parent = c.parent and x.workflow_started_at is null
returning x.tenant, 'relationship' as workflow, x.relationship as about, x.parent as key, x.owner

-- name: unstart_waits
-- Waits whose workflow does not run.
update waits x set workflow_started_at = null
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as w (tenant, workflow, about, key)
where w.workflow = 'relationship' and (x.tenant, x.relationship, x.parent) = (w.tenant, w.about, w.key)
  and x.overdue_notified_at is null

-- name: undispatch_outbox_rows
-- Intents whose workflow does not run.
update outbox i set dispatched_at = null, claimed_at = null
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as w (tenant, workflow, about, key)
where (i.tenant, i.workflow, i.about, i.key) = (w.tenant, w.workflow, w.about, w.key)

-- name: workflows_to_check
-- What should have an open workflow, those not looked at for longest first.
select tenant, workflow, about, key, min(at) as at
from ((select tenant, workflow, about, key, dispatched_at as at from outbox
       where dispatched_at < now() - make_interval(secs => $1) order by dispatched_at limit $2)
      union all
      (select tenant, 'relationship', relationship, parent, workflow_started_at from waits
       where workflow_started_at < now() - make_interval(secs => $1) and overdue_notified_at is null
       order by workflow_started_at limit $2)) i
group by tenant, workflow, about, key
order by at
limit $2

-- name: mark_checked
-- Their workflows run.
with running as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as w (tenant, workflow, about, key)
), waiting as (
    update waits x set workflow_started_at = now()
    from running w
    where w.workflow = 'relationship' and x.tenant = w.tenant and x.relationship = w.about and x.parent = w.key
      and x.workflow_started_at is not null and x.overdue_notified_at is null
)
update outbox i set dispatched_at = now()
from running w
where (i.tenant, i.workflow, i.about, i.key) = (w.tenant, w.workflow, w.about, w.key) and i.dispatched_at is not null
