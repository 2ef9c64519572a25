-- name: relationship_status
-- What one instance waits for or has, all of it as of one revision.
select clock_timestamp() as now, h.revision, e.state, e.incarnation,
       coalesce(nullif(e.created, ''), e.latest) as created, e.data,
       w.missing, w.owner, w.waiting_since, w.due, w.overdue_notified_at is not null as overdue_notified, w.last_error,
       w.missing_links, case when q.answered_at is null then q.requested_for end as requested_for,
       q.left_at as requested_left_at, q.correlation,
       w.workflow_may_exist,
       (select max(o.position) from outbox o
        where o.tenant = :tenant and o.workflow = 'relationship' and o.about = :relationship and o.key = :parent)
           as outbox_position,
       (select min(o.due) from operations o
        where o.tenant = :tenant and o.workflow = 'relationship' and o.about = :relationship and o.key = :parent and o.state = 'waiting')
           as operations_due,
       (select count(*)::int from (
            select from links l
            where l.tenant = :tenant and l.relationship = :relationship and l.parent = :parent and l.to_revision = :open
              and not l.of_former_incarnation limit 1000) c)
           as children,
       case when :is_requested::boolean then greatest(q.answered_at, (
           select max(l.to_revision + 0) from links l -- an expression, so that its index is not taken
           where l.tenant = :tenant and l.relationship = :relationship and l.parent = :parent and l.to_revision < :open
             and not l.of_former_incarnation)) end as left_at
from tenant_revisions h
left join entities e on e.tenant = :tenant and e.kind = :parent_kind and e.key = :parent and e.to_revision = :open
left join waits w on w.tenant = :tenant and w.relationship = :relationship and w.parent = :parent
left join counterpart_requests q on q.tenant = :tenant and q.relationship = :relationship and q.parent = :parent
where h.tenant = :tenant

-- name: reached_child
-- The child reached by going up one relationship and down another. Links hold, so all three entities are live.
select d.child
from links u
cross join lateral (
    select state from entities where tenant = :tenant and kind = :kind and key = u.parent and to_revision = :open limit 1) p
cross join lateral (
    select child from links
    where tenant = :tenant and relationship = :down and parent = u.parent and to_revision = :open
      and not of_former_incarnation
    order by rank, child limit 1) d
where u.tenant = :tenant and u.relationship = :up and u.child = :parent and u.to_revision = :open and p.state = 'live'
  and not u.of_former_incarnation

-- name: announced_link
-- The child of a one-to-one link to a live parent, the revision since which it has been linked without a break, and the
-- correlation id of the fact that linked it.
select l.child,
       (select b.from_revision from links b
        where b.tenant = :tenant and b.relationship = :relationship and b.child = l.child and b.parent = :parent
          and not exists (select from links o
                          where o.tenant = :tenant and o.relationship = :relationship and o.child = l.child and o.parent = :parent
                            and o.to_revision = b.from_revision)
        order by b.to_revision desc limit 1) as began,
       (select f.correlation from facts f
        where f.tenant = :tenant and f.kind = :child_kind and f.key = l.child and f.correlation is not null
        order by f.order_key limit 1) as correlation
from links l
join entities e on e.tenant = :tenant and e.kind = :parent_kind and e.key = :parent and e.to_revision = :open and e.state = 'live'
where l.tenant = :tenant and l.relationship = :relationship and l.parent = :parent and l.to_revision = :open
  and not l.of_former_incarnation
order by l.rank, l.child
limit 1

-- name: remember_request
-- Stores what is requested for the missing child, before it is sent, unless the wait has ended since it was looked at;
-- waits for a transaction that is ending it. The commit does not wait for the disk: what a crash of the server loses
-- matters only if the owner's reply is lost and older facts arrive late as well.
with wait as (
    select missing from waits
    where tenant = :tenant and relationship = :relationship and parent = :parent and missing = 'child'
      and waiting_since = :waiting_since
    for share
)
insert into counterpart_requests (tenant, relationship, parent, requested_for, left_at, correlation)
select :tenant, :relationship, :parent, :requested_for, :left_at::bigint, :correlation
from wait cross join (select set_config('synchronous_commit', 'off', true)) as here
on conflict (tenant, relationship, parent) do update
set requested_for = excluded.requested_for, left_at = excluded.left_at, correlation = excluded.correlation,
    answered_at = null
returning true

-- name: set_wait_obstacle
-- Stores why the request for a missing child was not sent yet, or failed; without a reason, its owner no longer contradicts
-- the request.
update waits
set last_error = :last_error, missing_links = :missing_links::text[],
    contradictions = case when :last_error = '' and :missing_links = '{}' then 0 else contradictions end
where tenant = :tenant and relationship = :relationship and parent = :parent

-- name: count_wait_contradiction
-- Stores that the owner contradicted the request for the missing child; returns how often it has.
update waits set last_error = :last_error, missing_links = '{}', contradictions = contradictions + 1
where tenant = :tenant and relationship = :relationship and parent = :parent and missing = 'child'
returning contradictions

-- name: register_workflow
-- Records that a workflow waits for what an instance is missing, so that what ends the wait notifies it. Waits for a
-- transaction that is ending the wait.
update waits set workflow_may_exist = true, workflow_started_at = coalesce(workflow_started_at, clock_timestamp())
where tenant = :tenant and relationship = :relationship and parent = :parent and not workflow_may_exist
