-- name: holders
-- The child that holds each parent that may have one child only: the first by rank and key, of the links to its present
-- incarnation that are valid at a revision.
select c.n::int as n, l.child, l.from_revision, l.to_revision
from unnest(:relationships::text[], :parents::text[], :revisions::bigint[]) with ordinality
     as c (relationship, parent, revision, n)
cross join lateral (
    select child, from_revision, to_revision from links
    where tenant = :tenant and relationship = c.relationship and parent = c.parent
      and to_revision > c.revision and not of_former_incarnation
      and from_revision + 0 <= c.revision -- an expression, so that its index is not used
    order by rank, child
    limit 1) l
