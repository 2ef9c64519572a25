-- name: count_candidates
-- Counts, by relationship, the children of a deleted parent that its operation has still to request something for; and
-- those of them that it has not processed yet. Children that were processed once and came back count in both.
select w.relationship, c.children, c.remaining
from unnest(:relationships::text[]) as w (relationship)
cross join lateral (
    select count(*) as children,
           count(*) filter (where l.state is null or l.state in ('confirmed', 'skipped')) as remaining
    from (select c.state
          from links l
          left join lateral (
              select state from operation_children
              where tenant = :tenant and operation = :operation and relationship = w.relationship and child = l.child
              limit 1) c on true
          where l.tenant = :tenant and l.relationship = w.relationship and l.parent = :parent
            and l.to_revision = :open and (c.state is null or c.state not in ('requested', 'parked'))
          limit :limit) l) c

-- name: count_candidates_of_ended_life
-- Counts the same for a parent that was created again: only children that were requested for a former incarnation, or
-- name it by a fact before the creation at :position and do not say which incarnation they mean.
select w.relationship, c.children, c.remaining
from unnest(:relationships::text[], :kinds::text[], :fields::text[]) as w (relationship, kind, field)
cross join lateral (
    select count(*) as children,
           count(*) filter (where l.state is null or l.state in ('confirmed', 'skipped')) as remaining
    from (select c.state
          from links l
          left join lateral (
              select state from operation_children
              where tenant = :tenant and operation = :operation and relationship = w.relationship and child = l.child
              limit 1) c on true
          cross join lateral (
              select data, older, latest, refs from entities
              where tenant = :tenant and kind = w.kind and key = l.child and to_revision = :open
              limit 1) e
          where l.tenant = :tenant and l.relationship = w.relationship and l.parent = :parent
            and l.to_revision = :open and (c.state is null or c.state not in ('requested', 'parked'))
            and (l.of_former_incarnation
                 or e.refs -> w.relationship ->> 2 is null
                    and names_ended_life(:tenant, w.kind, l.child, e.data, e.older, e.latest, e.refs, w.relationship,
                                         w.field, :position, :time, :nanoseconds))
          limit :limit) l) c
