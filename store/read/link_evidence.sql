-- name: cascade_of_child
-- The cascade of a deleted entity, and how far it is with one child.
select o.id as operation, o.state, i.state as child_state, i.skip_reason, i.park_reason, i.details,
       coalesce(i.last_error, '') as last_error, i.changed_at
from operations o
left join operation_children i
  on i.tenant = :tenant and i.operation = o.id and i.relationship = :relationship and i.child = :child
where o.tenant = :tenant and o.workflow = 'cascade' and o.about = :kind and o.key = :parent
  and o.incarnation = :incarnation
limit 1

-- name: link_versions
-- Every version of a child's link, newest first.
select parent, since, from_revision, to_revision
from links
where tenant = :tenant and relationship = :relationship and child = :child
order by to_revision desc
limit :size
