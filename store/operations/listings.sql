-- name: operations_page
-- A page of operations, the newest first.
select * from operations
where tenant = :tenant and (created_at, id) < (:before, :before_id)
order by created_at desc, id desc
limit :size

-- name: operations_of_cause
-- A page of the operations that one operation caused, the newest first.
select * from operations
where tenant = :tenant and cause = :cause and (created_at, id) < (:before, :before_id)
order by created_at desc, id desc
limit :size

-- name: open_operations_page
-- A page of the operations that have not ended, in some states, the newest first; of one kind and of one cause if those
-- are given. All that are open are read, and sorted: the index of open ones is not in this order, and by any other all
-- that have ended would be read as well.
with open as materialized (
    select * from operations
    where tenant = :tenant and state in ('waiting', 'requested', 'running') and state = any(:states)
)
select * from open
where (:kind::text is null or kind = :kind) and (:cause::text is null or cause = :cause)
  and (created_at, id) < (:before, :before_id)
order by created_at desc, id desc
limit :size

-- name: children_page
-- A page of the children of an operation, by relationship and child.
select relationship, child, parent, state, skip_reason, park_reason, details, last_error, attempts, changed_at
from operation_children
where tenant = :tenant and operation = :operation and (relationship, child) > (:after_relationship, :after_child)
order by relationship, child
limit :size

-- name: open_children_page
-- A page of the children of an operation that are neither confirmed nor skipped, which have an index of their own.
select relationship, child, parent, state, skip_reason, park_reason, details, last_error, attempts, changed_at
from operation_children
where tenant = :tenant and operation = :operation and (relationship, child) > (:after_relationship, :after_child)
  and state in ('planned', 'failing', 'requested', 'parked')
order by relationship, child
limit :size
