-- name: creation_after
-- The creation of an entity that arrived first, of those that are newer than a deletion and not void; :types are the
-- types of creations. Reads the facts of that entity.
select f.position, f.time, f.time_nanoseconds as nanoseconds, f.received as recorded, clock_timestamp() as read_at
from facts f
where f.tenant = :tenant and f.kind = :kind and f.key = :key and f.type = any(:types::text[]) and f.order_key > :ended
  and not exists (
      select from facts v
      where v.tenant = :tenant and v.kind = :kind and v.key = :key and v.source = '/tether'
        and v.type = 'FactVoided.v1' and v.data ->> 'source' = f.source and v.data ->> 'id' = f.id)
order by f.position
limit 1

-- name: skip_children_of_new_life
-- Ends the children of an operation that belong to the parent's new life, which was created at :position: they are
-- skipped, or confirmed if they were requested and deleted before that fact. Not those that were requested and are not
-- deleted: the fact that follows from the request is awaited.
update operation_children c
set state = n.state, skip_reason = case when n.state = 'skipped' then 'of_new_life' end, last_error = '',
    park_reason = null, details = null, reported_missing = false, changed_at = clock_timestamp()
from (select d.relationship, d.child,
             case when d.state = 'requested' and e.ended > d.reference then 'confirmed' else 'skipped' end as state
      from operation_children d
      join unnest(:relationships::text[], :kinds::text[], :fields::text[]) as r (name, kind, field)
          on r.name = d.relationship
      cross join lateral (
          select * from entities
          where tenant = :tenant and kind = r.kind and key = d.child and to_revision = :open
          limit 1) e
      left join lateral (
          select of_former_incarnation from links
          where tenant = :tenant and relationship = d.relationship and child = d.child and to_revision = :open
          limit 1) l on true
      where d.tenant = :tenant and d.operation = :operation
        and d.state in ('planned', 'failing', 'requested', 'parked')
        and (d.state <> 'requested' or d.reported_missing or e.ended > d.reference)
        and e.state = 'live'
        and (e.refs -> d.relationship ->> 2 is not null
             or not names_ended_life(:tenant, r.kind, d.child, e.data, e.older, e.latest, e.refs, r.name, r.field,
                                     :position, :time, :nanoseconds))
        and l.of_former_incarnation is not true) n
where c.tenant = :tenant and c.operation = :operation and c.relationship = n.relationship and c.child = n.child
  and c.state in ('planned', 'failing', 'requested', 'parked')

-- name: skip_children_of_ended_life
-- Skips up to :limit children of a parent that referred to it before it was created again, at :position, and were not
-- requested, or reported missing by their owner. Returns how many.
with skipped as (
    insert into operation_children as c
        (tenant, operation, relationship, child, parent, state, skip_reason, linked_revision)
    select :tenant, :operation, :relationship, l.child, coalesce(l.stated_parent, l.parent), 'skipped', 'parent_recreated', l.from_revision
    from links l
    left join lateral (
        select state, reported_missing from operation_children
        where tenant = :tenant and operation = :operation and relationship = :relationship and child = l.child
        limit 1) d on true
    cross join lateral (
        select * from entities
        where tenant = :tenant and kind = :kind and key = l.child and to_revision = :open
        limit 1) e
    where l.tenant = :tenant and l.relationship = :relationship and l.parent = :parent and l.to_revision = :open
      and (d.state is null or d.state in ('planned', 'failing', 'parked') or d.state = 'requested' and d.reported_missing)
      and names_ended_life(:tenant, :kind, l.child, e.data, e.older, e.latest, e.refs, :relationship, :field,
                           :position, :time, :nanoseconds)
    limit :limit
    on conflict (tenant, operation, relationship, child) do update
    set state = 'skipped', skip_reason = 'parent_recreated', changed_at = clock_timestamp()
    where c.state in ('planned', 'failing', 'parked') or c.state = 'requested' and c.reported_missing
    returning 1
)
select count(*) from skipped

-- name: skip_listed_children
-- Skips the children of an operation in a relationship that are not requested any more, as their parent was created
-- again.
update operation_children
set state = 'skipped', skip_reason = 'parent_recreated', changed_at = clock_timestamp()
where tenant = :tenant and operation = :operation and relationship = :relationship
  and (state in ('planned', 'failing', 'parked') or (state = 'requested' and reported_missing))

-- name: count_children_of_ended_life
-- Counts the children that an operation skipped because their parent was created again.
select count(*) from operation_children
where tenant = :tenant and operation = :operation and skip_reason = 'parent_recreated'
