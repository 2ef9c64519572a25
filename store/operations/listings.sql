-- name: operations_page
-- The operations of one kind and in some states, if those are given, among the next :size, the newest first; and the
-- last of these, whatever it is, from which the next page goes on.
with page as materialized (
    select * from operations
    where tenant = :tenant and (created_at, id) < (:before, :before_id)
    order by created_at desc, id desc
    limit :size)
select * from page
where (:kind::text is null or kind = :kind) and (:states::text[] is null or state = any(:states))
   or id = (select id from page order by created_at, id limit 1)
order by created_at desc, id desc

-- name: operations_of_cause
-- The same of the operations that one operation caused.
with page as materialized (
    select * from operations
    where tenant = :tenant and cause = :cause and (created_at, id) < (:before, :before_id)
    order by created_at desc, id desc
    limit :size)
select * from page
where (:kind::text is null or kind = :kind) and (:states::text[] is null or state = any(:states))
   or id = (select id from page order by created_at, id limit 1)
order by created_at desc, id desc

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
-- The children in a state, if one is given, among the next :size of an operation, by relationship and child; and the
-- last of these, whatever its state, from which the next page goes on.
with page as materialized (
    select relationship, child, parent, state, skip_reason, park_reason, details, last_error, attempts, changed_at
    from operation_children
    where tenant = :tenant and operation = :operation and (relationship, child) > (:after_relationship, :after_child)
    order by relationship, child
    limit :size)
select * from page
where :state::text is null or state = :state
   or (relationship, child) = (select relationship, child from page order by relationship desc, child desc limit 1)
order by relationship, child

-- name: open_children_page
-- The same of the children that are neither confirmed nor skipped, which have an index of their own.
with page as materialized (
    select relationship, child, parent, state, skip_reason, park_reason, details, last_error, attempts, changed_at
    from operation_children
    where tenant = :tenant and operation = :operation and (relationship, child) > (:after_relationship, :after_child)
      and state in ('planned', 'failing', 'requested', 'parked')
    order by relationship, child
    limit :size)
select * from page
where :state::text is null or state = :state
   or (relationship, child) = (select relationship, child from page order by relationship desc, child desc limit 1)
order by relationship, child
