-- name: operation_of_incarnation
-- The operation that is, or was, responsible for the children of one deletion of an entity.
select * from operations
where tenant = :tenant and workflow = 'cascade' and about = :kind and key = :key and incarnation = :incarnation

-- name: bind_operation
-- Makes a requested deletion responsible for the children, as its entity is deleted.
update operations
set state = 'running', incarnation = :incarnation, last_error = '', stuck_since = null, stuck_cause = null,
    stuck_relationship = null, stuck_details = null
where tenant = :tenant and id = :id
returning *

-- name: bind_cancelled
-- Makes a deletion responsible that was cancelled after its request had been sent, if that request led to the deletion:
-- its children are kept. The fact says so by its correlation id; if it names no operation, a deletion counts whose owner
-- had accepted the request, until its deadline.
update operations set incarnation = :incarnation
where tenant = :tenant and id = (
    select id from operations
    where tenant = :tenant and workflow = 'cascade' and about = :kind and key = :key and state = 'cancelled'
      and requested_at is not null and incarnation is null
      and exists (select from facts f
                  where f.tenant = :tenant and f.kind = :kind and f.key = :key and f.order_key = :deletion
                    and (f.correlation = 'tether2.' || operations.id
                         or (coalesce(f.correlation, '') not like 'tether2.%' and operations.owner_may_still_act
                             and operations.requested_after < :deletion and operations.due >= clock_timestamp())))
    order by created_at desc limit 1)
returning *
