-- name: add_plan
-- Stores a plan.
insert into plans (tenant, id, kind, request, revision, hash, report, actor, created_at)
values (:tenant, :id, :kind, :request, :revision, :hash, :report, :actor, :created_at)

-- name: plan
-- One plan, unless it was not executed and its revision is before the horizon: what it names cannot be read any more.
select p.id, p.kind, p.request, p.revision, p.hash, p.report, p.actor, p.created_at, p.operation
from plans p
left join horizons h on h.tenant = :tenant
where p.tenant = :tenant and p.id = :id and (p.operation is not null or p.revision >= coalesce(h.revision, 0))

-- name: plan_executed
-- Records which operation executes a plan.
update plans set operation = :operation where tenant = :tenant and id = :id

-- name: add_planned_children
-- Adds the children that a plan names to the operation that executes it.
insert into operation_children (tenant, operation, relationship, child, parent, state, linked_revision)
select :tenant, :operation, relationship, child, parent, 'planned', :revision
from concerned_by_change(:tenant, :relationship, :parent, :children, :target, :revision)
