-- name: renumber_operations_of_facts
-- Gives the operations of these subjects the new order keys of the facts that they remember: those that are open, and
-- cancelled deletions that a deletion may still follow from (bind_cancelled).
update operations o set requested_after = w.new
from unnest(:workflows::text[], :abouts::text[], :keys::text[], :old::bytea[], :new::bytea[])
    as w (workflow, about, key, old, new)
cross join lateral (
    select o.id
    from unnest('{waiting,requested,running}'::text[]) as s (state)
    cross join lateral (
        select id from operations
        where tenant = :tenant and state = s.state and workflow = w.workflow and about = w.about and key = w.key
          and state in ('waiting', 'requested', 'running') and requested_after = w.old offset 0) o
    union all
    select id from operations
    where tenant = :tenant and workflow = w.workflow and about = w.about and key = w.key
      and state = 'cancelled' and incarnation is null and requested_after = w.old) f
where o.tenant = :tenant and o.id = f.id

-- name: forget_void_facts
-- Operations of these subjects that remember a void fact, as the newest one of their entity when it was requested to be
-- deleted or moved, remember the newest of the others that were known then. Those that are open, and cancelled deletions.
update operations o set requested_after = coalesce((
    select n.order_key from facts n
    where n.tenant = :tenant and n.kind = w.kind and n.key = w.key and n.source <> '/tether'
      and n.received <= case w.workflow when 'move' then o.requested_at else o.created_at end
      and not exists (
          select from facts v
          where v.tenant = :tenant and v.kind = w.kind and v.key = w.key and v.source = '/tether'
            and v.type = 'FactVoided.v1' and v.data ->> 'source' = n.source and v.data ->> 'id' = n.id)
    order by n.order_key desc
    limit 1), '')
from unnest(:workflows::text[], :abouts::text[], :kinds::text[], :keys::text[], :void::bytea[])
    as w (workflow, about, kind, key, void)
cross join lateral (
    select o.id
    from unnest('{waiting,requested,running}'::text[]) as s (state)
    cross join lateral (
        select id from operations
        where tenant = :tenant and state = s.state and workflow = w.workflow and about = w.about and key = w.key
          and state in ('waiting', 'requested', 'running') and requested_after = w.void offset 0) o
    union all
    select id from operations
    where tenant = :tenant and workflow = w.workflow and about = w.about and key = w.key
      and state = 'cancelled' and incarnation is null and requested_after = w.void) f
where o.tenant = :tenant and o.id = f.id

-- name: renumber_children_of_facts
-- Gives children of open operations the new order keys of the facts that name their parents. Not those whose requests are
-- to be repeated: their Idempotency-Keys contain the old order keys.
update operation_children c set reference = w.new
from unnest(:relationships::text[], :children::text[], :old::bytea[], :new::bytea[]) as w (relationship, child, old, new)
cross join lateral (
    select o.id
    from unnest('{waiting,requested,running}'::text[]) as s (state)
    cross join lateral (
        select id from operations
        where tenant = :tenant and state = s.state and state in ('waiting', 'requested', 'running') offset 0) o) o
cross join lateral (
    select ctid from operation_children
    where tenant = :tenant and operation = o.id and relationship = w.relationship and child = w.child
      and reference = w.old and state not in ('planned', 'failing')
    limit 1 for update) f
where c.ctid = f.ctid
