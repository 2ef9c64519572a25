-- name: operations_with_order_keys
-- The operations that remember the newest fact before their request.
select id, workflow, about, key, relationship, child, requested_after
from operations
where tenant = :tenant and requested_after is not null

-- name: reorder_operations
-- Gives operations new order keys.
update operations o set requested_after = w.new
from unnest(:ids::text[], :new::bytea[]) as w (id, new)
where o.tenant = :tenant and o.id = w.id

-- name: children_with_order_keys
-- A page of the children of operations that remember the fact that linked them. Not those whose requests are to be
-- repeated: their Idempotency-Keys contain the old order keys.
select operation, relationship, child, reference
from operation_children
where tenant = :tenant and (operation, relationship, child) > (:operation, :relationship, :child) and reference <> ''
  and state not in ('planned', 'failing')
order by operation, relationship, child
limit :size

-- name: reorder_children
-- Gives children of operations new order keys.
update operation_children c set reference = w.new
from unnest(:operations::text[], :relationships::text[], :children::text[], :new::bytea[])
     as w (operation, relationship, child, new)
where c.tenant = :tenant and c.operation = w.operation and c.relationship = w.relationship and c.child = w.child

-- name: facts_by_order_key
-- The facts with these order keys, found among those of their entities.
select f.source, f.id, f.type, f.kind, f.key, f.sequence, f.time, f.time_nanoseconds, f.data, f.correlation, f.position,
       f.order_key, f.emptied
from unnest(:kinds::text[], :keys::text[], :order_keys::bytea[]) as w (kind, key, order_key)
cross join lateral (
    select * from facts where tenant = :tenant and kind = w.kind and key = w.key and order_key = w.order_key limit 1) f
