-- The children of a deleted parent in a many-to-many relationship. Those that count are live; with :skip_shared only
-- those without another parent that is not deleted; and of a parent that was created again, at :recreated, those that were
-- linked before, unless parents list their children: their list ended then.

-- name: listed_cascade_candidates
-- A page of the children that an operation has still to request something for, by child; with :repeat also those already
-- requested, whose fact has not arrived. parent: as it was stated.
select l.child, coalesce(l.stated_parent, l.parent) as parent, l.from_revision as linked_revision, c.state, c.reference,
       c.redrives, c.reported_missing, false as returned, false as recreated
from links l
left join lateral (
    select state, reference, redrives, reported_missing from operation_children
    where tenant = :tenant and operation = :operation and relationship = :relationship and child = l.child
    limit 1) c on true
where l.tenant = :tenant and l.relationship = :relationship and l.parent = :parent and l.to_revision = :open
  and l.child > :after
  and (c.state is null or c.state not in ('requested', 'parked') or (:repeat and c.state = 'requested'))
  and (:recreated::timestamptz is null or l.since < :recreated and not :parent_lists::boolean)
  and is_requestable(:tenant, :relationship, l.child, l.parent, :child_kind, :parent_kind, :skip_shared, :open - 1)
order by l.child
limit :limit

-- name: count_listed_candidates
-- Counts the children that an operation has still to request something for; and those of them that it has not processed
-- yet. Children that were processed once and came back count in both.
select count(*) as children,
       count(*) filter (where l.state is null or l.state in ('confirmed', 'skipped')) as remaining
from (select c.state
      from links l
      left join lateral (
          select state from operation_children
          where tenant = :tenant and operation = :operation and relationship = :relationship and child = l.child
          limit 1) c on true
      where l.tenant = :tenant and l.relationship = :relationship and l.parent = :parent
        and l.to_revision = :open and (c.state is null or c.state not in ('requested', 'parked'))
        and (:recreated::timestamptz is null or l.since < :recreated and not :parent_lists::boolean)
        and is_requestable(:tenant, :relationship, l.child, l.parent, :child_kind, :parent_kind, :skip_shared, :open - 1)
      limit :limit) l

-- name: listed_candidates_again
-- Those of these children that are still linked to these parents, as they were stated, by the same version of the link,
-- and that still count.
select l.child
from unnest(:children::text[], :parents::text[], :linked_revisions::bigint[]) as w (child, parent, linked_revision)
cross join lateral (
    select child, parent from links
    where tenant = :tenant and relationship = :relationship and child = w.child and to_revision = :open
      and coalesce(stated_parent, many) = w.parent and from_revision = w.linked_revision
    limit 1) l
where is_requestable(:tenant, :relationship, l.child, l.parent, :child_kind, :parent_kind, :skip_shared, :open - 1)
