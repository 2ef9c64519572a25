-- name: add_plan
-- Remembers a preview.
insert into plans (tenant, id, kind, request, revision, hash, report, actor, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: plan
-- One plan.
select * from plans where tenant = $1 and id = $2

-- name: plan_executed
-- An operation executes it.
update plans set operation = $3 where tenant = $1 and id = $2

-- name: add_planned_children
-- Adds the children that a plan names to its operation.
insert into operation_children (tenant, operation, relationship, child, parent, state, linked_revision)
select $1, $7, relationship, child, parent, 'planned', $6 from concerned_by_change($1, $2, $3, $4, $5, $6)
