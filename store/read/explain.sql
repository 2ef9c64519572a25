-- name: fate_of_child
-- What the cascade of an entity that is gone has come to with one child.
select o.id as operation, o.state, i.state as item, coalesce(i.last_error, '') as reason, i.changed_at as at
from operations o
left join operation_children i on i.tenant = $1 and i.operation = o.id and i.relationship = $5 and i.child = $6
where o.tenant = $1 and o.workflow = 'cascade' and o.about = $2 and o.key = $3 and o.incarnation = $4
limit 1

-- name: link_versions
-- All that a child's link has been, newest first.
select parent, since, from_revision, to_revision
from links
where tenant = $1 and relationship = $2 and child = $3
order by to_revision desc
limit $4
